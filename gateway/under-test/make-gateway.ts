import type { ClusterGateway } from "#api";

/** For tests: a ClusterGateway of a cluster behind the tunnel. */
export function makeGateway(
  name: string,
  resourceVersion: string,
  labels: Readonly<Record<string, string>> = {},
): ClusterGateway {
  return {
    apiVersion: "cluster.core.oam.dev/v1alpha1",
    kind: "ClusterGateway",
    metadata: { name, resourceVersion, labels },
    spec: {
      provider: "",
      access: {
        endpoint: { type: "ClusterProxy" },
        credential: { type: "ServiceAccountToken" },
      },
    },
    status: { healthy: false },
  };
}
