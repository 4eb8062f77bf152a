import type { Manifest } from "#api";

/** One container of a Deployment, as far as configuration changes it. */
export interface Container {
  readonly name: string;
  readonly image: string;
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly resources?: unknown;
}

interface PodSpec {
  readonly containers: readonly Container[];
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly tolerations?: readonly unknown[];
}

interface DeploymentManifest extends Manifest {
  readonly spec: { readonly template: { readonly spec: PodSpec } };
}

/** True for a Deployment, whose pods configuration can change. */
export function isDeployment(manifest: Manifest): manifest is DeploymentManifest {
  return manifest.kind === "Deployment" && manifest.apiVersion === "apps/v1";
}

/** The Deployment with another pod spec. */
export function withPodSpec(
  deployment: DeploymentManifest,
  change: (podSpec: PodSpec) => PodSpec,
): Manifest {
  const { template, ...spec } = deployment.spec;
  const changed = { ...template, spec: change(template.spec) };
  return { ...deployment, spec: { ...spec, template: changed } };
}
