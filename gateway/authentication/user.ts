/** Who asks, as the hub knows them. */
export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** Every user that was authenticated is in it. */
export const authenticatedGroup = "system:authenticated";

/** Whoever is in it may do everything, without a question to the hub. */
export const mastersGroup = "system:masters";
