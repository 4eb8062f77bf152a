import {
  exposedServicesConfigMap,
  type ManagedProxyConfigurationSpec,
  serviceProxyHost,
} from "#api";

/** The label of the tunnel server's pods; agents find them by it. */
export const serverLabels = {
  "proxy.open-cluster-management.io/component-name": "proxy-server",
} as const;

/** Ports of the tunnel server's Service, and of its pods unless they are told others. */
export const serverPorts = { frontend: 8090, agent: 8091, health: 8092, admin: 8095 } as const;

/** What the tunnel server's pods listen on. */
export function podPorts({
  deploy,
}: ManagedProxyConfigurationSpec): Readonly<Record<keyof typeof serverPorts, number>> {
  if (deploy === undefined) return serverPorts;
  const { proxyServer, agentServer, healthServer, adminServer } = deploy.ports;
  return { frontend: proxyServer, agent: agentServer, health: healthServer, admin: adminServer };
}

/** Objects whose names others know. */
export const proxyNames = {
  serviceAccount: "cluster-proxy",
  /** With it front ends verify the tunnel server, and the tunnel server verifies front ends. */
  frontendCaSecret: "proxy-server-ca",
  /** With it the tunnel server verifies agents. */
  agentServerCaSecret: "agent-server-ca",
  frontendSigner: "cluster-proxy-frontend-signer",
  userServerSecret: "cluster-proxy-user-serving-cert",
  /** What a tunnel server may do on the hub: say that it is there, and see who else is. */
  serverRole: "cluster-proxy-tunnel-server",
  /** With it the user server proves to agents that it is the user server. */
  userServerClientSecret: "cluster-proxy-user-server-client",
  /** The list of Services, on the hub and beside each agent. */
  exposedServices: exposedServicesConfigMap,
  portForwardRole: "cluster-proxy-addon-agent:portforward",
  agentRole: "cluster-proxy-addon-agent",
  agentDeployment: "cluster-proxy-proxy-agent",
  agentCaSecret: "cluster-proxy-ca",
  agentCertificateSecret: "cluster-proxy-open-cluster-management.io-proxy-agent-signer-client-cert",
  agentKubeconfigSecret: "cluster-proxy-hub-kubeconfig",
} as const;

/**
 * Who the agents of all clusters are for upstream's manager: one user for the tunnel, one group for
 * the hub. Certificates that it has approved carry them until they are renewed.
 */
export const sharedIdentity = {
  tunnelUser: "open-cluster-management:cluster-proxy:proxy-agent",
  group: "open-cluster-management:cluster-proxy",
} as const;

/** A group of agents whose certificate is also that of a server: their service proxy's. */
export const serviceProxyGroup = "system:open-cluster-management:addon:cluster-proxy:service-proxy";

/** The group that OCM puts agents of the addon in, those of all clusters. */
export const agentGroup = "system:open-cluster-management:addon:cluster-proxy";

/**
 * The hosts that the agent of a cluster serves: its API server, under the cluster's name with and
 * without the agent's namespace, and upstream's service proxy.
 */
export function servedHosts(cluster: string, installNamespace: string): readonly string[] {
  return [cluster, `${cluster}.${installNamespace}`, serviceProxyHost(cluster)];
}
