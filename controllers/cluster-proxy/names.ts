/** The label of the tunnel server's pods; agents find them by it. */
export const serverLabels = {
  "proxy.open-cluster-management.io/component-name": "proxy-server",
} as const;

/** Ports of the tunnel server, which are part of its contract. */
export const serverPorts = { frontend: 8090, agent: 8091, health: 8092 } as const;

/** Objects whose names others know. */
export const proxyNames = {
  serviceAccount: "cluster-proxy",
  /** With it front ends verify the tunnel server, and the tunnel server verifies front ends. */
  frontendCaSecret: "proxy-server-ca",
  /** With it the tunnel server verifies agents. */
  agentServerCaSecret: "agent-server-ca",
  frontendSigner: "cluster-proxy-frontend-signer",
  userServerSecret: "cluster-proxy-user-serving-cert",
  portForwardRole: "cluster-proxy-addon-agent:portforward",
  agentRole: "cluster-proxy-addon-agent",
  agentDeployment: "cluster-proxy-proxy-agent",
  agentCaSecret: "cluster-proxy-ca",
  agentCertificateSecret: "cluster-proxy-open-cluster-management.io-proxy-agent-signer-client-cert",
  agentKubeconfigSecret: "cluster-proxy-hub-kubeconfig",
} as const;

/** Who agents are on the hub. The group is what the port-forward is granted to. */
export const agentIdentity = {
  hubUser: "open-cluster-management:cluster-proxy:addon-agent",
  tunnelUser: "open-cluster-management:cluster-proxy:proxy-agent",
  group: "open-cluster-management:cluster-proxy",
} as const;
