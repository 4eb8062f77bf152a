import { createHash } from "node:crypto";

/** The port under which an agent's service proxy is dialled, at {@link serviceProxyHost}. */
export const serviceProxyPort = 7443;

/** The name under which the service proxy of a cluster is dialled through the tunnel, as upstream has it. */
export function serviceProxyHost(cluster: string): string {
  const digest = createHash("sha256").update(cluster).digest("hex");
  return `cluster-${digest.slice(0, 48)}.open-cluster-management.proxy`;
}

/** The common name of the certificate by which an agent knows the hub's user server. */
export const userServerClientName = "open-cluster-management:cluster-proxy:user-server";

/** Fields by which the user server tells the service proxy what a request is for. */
export const serviceProxyFields = {
  scheme: "cluster-proxy-proto",
  namespace: "cluster-proxy-namespace",
  name: "cluster-proxy-service",
  port: "cluster-proxy-port",
} as const;

/** Stands for `system:` in names of the hub's ServiceAccounts on managed clusters, as upstream has it. */
export const hubAccountPrefix = "cluster:hub:system:";
