/** Objects of the gateway whose names others know. */
export const gatewayNames = {
  deployment: "gateway-deployment",
  service: "cluster-gateway",
  serviceAccount: "cluster-gateway",
  servingSecret: "cluster-gateway-tls-cert",
  /** Copies of what opens the tunnel, beside the gateway. */
  tunnelCaSecret: "proxy-server-ca",
  tunnelClientSecret: "proxy-client",
  apiService: "v1alpha1.cluster.core.oam.dev",
  /** As whom callers act, for the gateway to read. */
  identityConfigMap: "cluster-gateway-identity",
  healthRole: "open-cluster-management:cluster-gateway:health",
  impersonatorRole: "open-cluster-management:cluster-gateway:impersonator",
} as const;

/** The label of the gateway's pods. */
export const gatewayLabels = {
  "proxy.open-cluster-management.io/addon-name": "cluster-gateway",
} as const;

/** The aggregated API. */
export const gatewayApi = { group: "cluster.core.oam.dev", version: "v1alpha1" } as const;

/** The port of the gateway, in its pods and in its Service. */
export const gatewayPort = 9443;

/** Labels of a Secret with which the gateway reaches one cluster; its name is the cluster's. */
export const credentialLabels = {
  credentialType: "cluster.core.oam.dev/cluster-credential-type",
  endpointType: "cluster.core.oam.dev/cluster-endpoint-type",
} as const;

/** Marks what we made, where others make the like. */
export const managedByUs = { "app.kubernetes.io/managed-by": "spokeway" } as const;

/** Validity of the tokens with which the gateway reaches managed clusters, as Go writes it. */
export const tokenValidity = "4320h";
