/** Namespaces and names that OCM's operator gives, and that its roles and addons count on. */
export const ocmNames = {
  hubNamespace: "open-cluster-management-hub",
  globalNamespace: "open-cluster-management",
  addonNamespace: "open-cluster-management-addon",
  agentNamespace: "open-cluster-management-agent",
  agentAddonNamespace: "open-cluster-management-agent-addon",
  clusterManager: "cluster-manager",
  klusterlet: "klusterlet",
  registrationAccount: "klusterlet-registration-sa",
  workAccount: "klusterlet-work-sa",
} as const;

/** The user as which a cluster asks to join; the hub approves exactly these. */
export function bootstrapUser(cluster: string): string {
  return `bootstrap-${cluster}`;
}
