import {
  apiVersionOf,
  clusterGatewayGroup,
  clusterSecretAnnotations,
  clusterSecretKeys,
  clusterSecretLabels,
  controlPlaneLabel,
  type ManagedCluster,
  type Secret,
  type VirtualCluster,
  virtualClusters,
} from "#api";

/** The hub itself, under the name that upstream gives it. */
export const localCluster: VirtualCluster = virtualCluster(
  { metadata: { name: "local" } },
  { accepted: true, endpoint: "-", "credential-type": "Internal" },
  true,
);

/** A VirtualCluster of a Secret, or `undefined` when the Secret says too little. */
export function virtualClusterOfSecret(secret: Secret): VirtualCluster | undefined {
  const labels = secret.metadata.labels ?? {};
  const credentialType = labels[clusterSecretLabels.credentialType] ?? "";
  const endpoint =
    labels[clusterSecretLabels.endpointType] ??
    Buffer.from(secret.data?.[clusterSecretKeys.endpoint] ?? "", "base64")
      .toString()
      .trim();
  if (credentialType === "" || endpoint === "") return undefined;
  return virtualCluster(secret, { accepted: true, endpoint, "credential-type": credentialType });
}

/** A VirtualCluster of a ManagedCluster, or `undefined` for one without an address. */
export function virtualClusterOfManagedCluster(
  managedCluster: ManagedCluster,
): VirtualCluster | undefined {
  const { hubAcceptsClient, managedClusterClientConfigs = [] } = managedCluster.spec;
  if (managedClusterClientConfigs.length === 0) return undefined;
  return virtualCluster(managedCluster, {
    accepted: hubAcceptsClient,
    endpoint: "-",
    "credential-type": "ManagedCluster",
  });
}

/** All of them: the hub first, then the newest first; of two with one name, the Secret's. */
export function listVirtualClusters(
  secrets: readonly Secret[],
  managedClusters: readonly ManagedCluster[],
): readonly VirtualCluster[] {
  const byName = new Map<string, VirtualCluster>();
  for (const found of [
    ...managedClusters.map(virtualClusterOfManagedCluster),
    ...secrets.map(virtualClusterOfSecret),
  ]) {
    if (found !== undefined) byName.set(found.metadata.name, found);
  }
  return [localCluster, ...[...byName.values()].toSorted(newestFirst)];
}

function virtualCluster(
  { metadata }: Pick<Secret, "metadata">,
  { accepted, ...spec }: VirtualCluster["spec"],
  isControlPlane = false,
): VirtualCluster {
  const { name, creationTimestamp, labels = {}, annotations = {} } = metadata;
  const alias = annotations[clusterSecretAnnotations.alias];
  const own = Object.entries(labels).filter(([key]) => !key.startsWith(clusterGatewayGroup));
  return {
    apiVersion: apiVersionOf(virtualClusters),
    kind: virtualClusters.kind,
    metadata: {
      name,
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
      labels: { ...Object.fromEntries(own), [controlPlaneLabel]: String(isControlPlane) },
    },
    spec: {
      ...(alias === undefined ? {} : { alias }),
      ...(accepted === true ? { accepted } : {}),
      ...spec,
    },
  };
}

function newestFirst(a: VirtualCluster, b: VirtualCluster): number {
  const [timeA = "", timeB = ""] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  if (timeA !== timeB) return timeA < timeB ? 1 : -1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}
