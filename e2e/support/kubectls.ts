import { clientTools, findTools } from "#bed";

/**
 * The oldest and the newest kubectl that Kubernetes supports with the clusters' API servers: one
 * minor version beside theirs. What people run most often is their own, which other tests use.
 */
export const kubectlVersions = ["1.34", "1.36"] as const;

/** The path of one of them. */
export async function findKubectl(version: (typeof kubectlVersions)[number]): Promise<string> {
  return (await findTools(clientTools)).path(`kubectl-${version}`);
}
