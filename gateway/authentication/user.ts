/** Who asks, as the hub knows them. */
export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** Every user that was authenticated is in it. */
export const authenticatedGroup = "system:authenticated";

/** Whoever nobody knows is in it, and never in the other. */
const unauthenticatedGroup = "system:unauthenticated";

/** Whoever is in it may do everything, without a question to the hub. */
export const mastersGroup = "system:masters";

/** The groups of a user, with the one that everybody is in who is somebody, as API servers add it. */
export function withAuthenticated(name: string, groups: readonly string[]): readonly string[] {
  const isWhole = groups.includes(authenticatedGroup) || groups.includes(unauthenticatedGroup);
  if (isWhole) return groups;
  return [...groups, name === "system:anonymous" ? unauthenticatedGroup : authenticatedGroup];
}
