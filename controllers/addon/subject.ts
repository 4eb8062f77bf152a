import type { AgentSubject } from "./definition.ts";

/** The group that Kubernetes adds to whoever has logged in; granting it to anyone grants it to all. */
export const everyone = "system:authenticated";

/** The identity on the hub that OCM gives to an addon's agent on one cluster. */
export function defaultSubject(addon: string, agent: string, cluster: string): AgentSubject {
  const ofCluster = `system:open-cluster-management:cluster:${cluster}:addon:${addon}`;
  return {
    user: `${ofCluster}:agent:${agent}`,
    groups: [ofCluster, `system:open-cluster-management:addon:${addon}`],
  };
}

/** The user of an agent whose klusterlet logs it in by token instead of by certificate. */
export function tokenUser(addon: string, cluster: string): string {
  return `system:serviceaccount:${cluster}:${addon}-agent`;
}
