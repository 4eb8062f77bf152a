import * as z from "zod";
import {
  type AddOnDeploymentConfig,
  addOnDeploymentConfig,
  type KubeObject,
  type Manifest,
} from "#api";
import { TerminalError } from "#runtime";
import { mirroredImage, type Registry } from "./image-registries.ts";
import { type Container, isDeployment, withPodSpec } from "./workload.ts";

type Spec = AddOnDeploymentConfig["spec"];

/** Reads a configuration. Throws a `TerminalError` that says what is wrong with it. */
export function parseDeploymentConfig(object: KubeObject): AddOnDeploymentConfig {
  const parsed = addOnDeploymentConfig.safeParse(object);
  if (parsed.success) return parsed.data;
  const { namespace, name } = object.metadata;
  throw new TerminalError(
    `Cannot use AddOnDeploymentConfig ${namespace}/${name}: ${z.prettifyError(parsed.error)}`,
  );
}

/**
 * What an administrator's configuration changes in any addon's Deployments: where images come
 * from, on which nodes pods run, their resources, and the proxy for outgoing connections.
 *
 * Throws a `TerminalError` that names the field when a value cannot be used.
 */
export function applyDeploymentConfig(
  manifests: readonly Manifest[],
  config: AddOnDeploymentConfig | undefined,
  clusterMirrors: readonly Registry[],
): readonly Manifest[] {
  const spec = config?.spec ?? {};
  const requirements = (spec.resourceRequirements ?? []).map(parseRequirement);
  return manifests.map((manifest) => {
    if (!isDeployment(manifest)) return manifest;
    const { name } = manifest.metadata;
    return withPodSpec(manifest, (podSpec) => ({
      ...podSpec,
      ...placement(spec),
      containers: podSpec.containers.map((container) => ({
        ...container,
        image: pulledImage(container.image, spec.registries ?? [], clusterMirrors),
        ...proxyEnvironment(container, spec.proxyConfig),
        ...resourcesOf(requirements, name, container.name),
      })),
    }));
  });
}

/** The addon's own mirrors win over the cluster's where they change anything. */
function pulledImage(
  image: string,
  own: readonly Registry[],
  ofCluster: readonly Registry[],
): string {
  const mirrored = mirroredImage(image, own);
  return mirrored === image ? mirroredImage(image, ofCluster) : mirrored;
}

function placement({ nodePlacement }: Spec) {
  if (nodePlacement === undefined) return {};
  const { nodeSelector, tolerations } = nodePlacement;
  return {
    ...(nodeSelector === undefined ? {} : { nodeSelector }),
    // Given at all, the placement is complete: the addon's own tolerations do not count any more.
    tolerations: tolerations ?? [],
  };
}

function proxyEnvironment(
  { env = [] }: Container,
  proxy: Spec["proxyConfig"],
): Pick<Container, "env"> {
  const entries = [
    { name: "HTTP_PROXY", value: proxy?.httpProxy ?? "" },
    { name: "HTTPS_PROXY", value: proxy?.httpsProxy ?? "" },
    { name: "NO_PROXY", value: proxy?.noProxy ?? "" },
  ].filter(({ value }) => value !== "");
  return entries.length === 0 ? {} : { env: [...env, ...entries] };
}

interface Requirement {
  readonly pattern: RegExp;
  readonly resources: unknown;
}

function parseRequirement({
  containerID,
  resources,
}: NonNullable<Spec["resourceRequirements"]>[number]): Requirement {
  const parts = containerID.split(":");
  if (parts.length !== 3) {
    throw new TerminalError(
      `Cannot use resourceRequirements.containerID "${containerID}": expected <resource>:<name>:<container>`,
    );
  }
  const escape = (part: string) =>
    part
      .split("*")
      .map((text) => text.replace(/[.+?^${}()|[\]\\]/g, String.raw`\$&`))
      .join(".+");
  return { pattern: new RegExp(`^${parts.map(escape).join(":")}$`), resources };
}

function resourcesOf(
  requirements: readonly Requirement[],
  deployment: string,
  container: string,
): Pick<Container, "resources"> {
  const id = `deployments:${deployment}:${container}`;
  const match = requirements.findLast(({ pattern }) => pattern.test(id));
  return match === undefined ? {} : { resources: match.resources };
}
