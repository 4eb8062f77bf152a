import type { Deployment } from "#api";

/** True when pods of the present template serve, as many as are wanted. Without any, nothing does. */
export function isAvailable(deployment: Deployment | undefined, replicas: number): boolean {
  const {
    observedGeneration,
    updatedReplicas = 0,
    availableReplicas = 0,
  } = deployment?.status ?? {};
  if (deployment === undefined || observedGeneration !== deployment.metadata.generation) {
    return false;
  }
  return replicas > 0 && updatedReplicas >= replicas && availableReplicas >= replicas;
}

/** How many of the wanted pods serve, for people. */
export function replicasMessage(deployment: Deployment | undefined, replicas: number): string {
  return `Replicas: ${deployment?.status?.availableReplicas ?? 0} of ${replicas} available`;
}
