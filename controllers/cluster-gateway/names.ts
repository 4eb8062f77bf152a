/** Objects of the gateway whose names others know. */
export const gatewayNames = {
  deployment: "gateway-deployment",
  service: "cluster-gateway",
  serviceAccount: "cluster-gateway",
  servingSecret: "cluster-gateway-tls-cert",
  /** Copies of what opens the tunnel, beside the gateway. */
  tunnelCaSecret: "proxy-server-ca",
  tunnelClientSecret: "proxy-client",
  /** As whom callers act, for the gateway to read. */
  identityConfigMap: "cluster-gateway-identity",
  healthRole: "open-cluster-management:cluster-gateway:health",
  impersonatorRole: "open-cluster-management:cluster-gateway:impersonator",
} as const;

/** The label of the gateway's pods. */
export const gatewayLabels = {
  "proxy.open-cluster-management.io/addon-name": "cluster-gateway",
} as const;

/** The port of the gateway, in its pods and in its Service. */
export const gatewayPort = 9443;

/** Marks what we made, where others make the like. */
export const managedByUs = { "app.kubernetes.io/managed-by": "spokeway" } as const;

/** Validity of the tokens with which the gateway reaches managed clusters, as Go writes it. */
export const tokenValidity = "4320h";
