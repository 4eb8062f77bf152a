import { waitFor } from "#bed";
import { helm, kubectlJson } from "./hub.ts";

/** The releases of the bed, each with its chart and the values that the walk-through gives it. */
export const releases = {
  "cluster-proxy": ["helm/cluster-proxy"],
  "managed-serviceaccount": ["helm/managed-serviceaccount"],
  "cluster-gateway": [
    "helm/cluster-gateway-addon-manager",
    "--set",
    "manualSecretManagement=false",
    "--set",
    "konnectivityEgress=true",
  ],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** The namespace of the releases. */
export const releaseNamespace = "open-cluster-management-addon";

/** Upgrades a release to the walk-through's values and these; without any, back to those. */
export async function upgradeRelease(
  name: keyof typeof releases,
  values: readonly string[] = [],
): Promise<void> {
  const set = values.flatMap((value) => ["--set", value]);
  await helm([
    "-n",
    releaseNamespace,
    "upgrade",
    "--reset-values",
    name,
    ...releases[name],
    ...set,
  ]);
}

/** A Deployment of a cluster; of the hub, without a kubeconfig. */
export interface Workload {
  readonly namespace: string;
  readonly name: string;
  readonly kubeconfig?: string;
}

interface Deployment {
  readonly metadata: { readonly generation: number };
  readonly spec: { readonly selector: { readonly matchLabels: Readonly<Record<string, string>> } };
  readonly status: Readonly<Record<string, number | undefined>>;
}

interface Pods {
  readonly items: readonly {
    readonly status?: { readonly containerStatuses?: readonly { readonly restartCount: number }[] };
  }[];
}

/** Waits until a Deployment has so many pods, all of its newest kind and ready, and no other is left. */
export async function untilRolled(workload: Workload, replicas: number): Promise<void> {
  await waitFor(
    `${replicas} pods of ${workload.name}, and no other`,
    async () => {
      const { metadata, spec, status } = await readDeployment(workload);
      const counts = [status["updatedReplicas"], status["availableReplicas"], status["replicas"]];
      return (
        status["observedGeneration"] === metadata.generation &&
        counts.every((count) => count === replicas) &&
        (await readPods(workload, spec.selector.matchLabels)).items.length === replicas
      );
    },
    { limitMs: 240_000, everyMs: 500 },
  );
}

/** How often containers of a Deployment's pods have been started again. */
export async function countRestarts(workload: Workload): Promise<number> {
  const { spec } = await readDeployment(workload);
  const { items } = await readPods(workload, spec.selector.matchLabels);
  return items
    .flatMap(({ status }) => status?.containerStatuses ?? [])
    .reduce((sum, { restartCount }) => sum + restartCount, 0);
}

async function readDeployment({ namespace, name, ...options }: Workload): Promise<Deployment> {
  return (await kubectlJson(["-n", namespace, "get", "deploy", name], options)) as Deployment;
}

async function readPods(
  { namespace, name: _name, ...options }: Workload,
  labels: Readonly<Record<string, string>>,
): Promise<Pods> {
  const selector = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  const args = ["-n", namespace, "get", "pods", "-l", selector.join(",")];
  return (await kubectlJson(args, options)) as Pods;
}
