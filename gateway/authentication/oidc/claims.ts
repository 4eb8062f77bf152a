import { systemPrefix } from "#api";
import { type User, withAuthenticated } from "../user.ts";

/** How claims become a user, as API servers have it. */
export interface ClaimMapping {
  readonly issuerUrl: string;
  /** Defaults to `sub`. */
  readonly usernameClaim?: string | undefined;
  /** `-` is none. Defaults to none for `email`, and to the issuer and `#` for others. */
  readonly usernamePrefix?: string | undefined;
  /** Without it, no group but the one of everybody. */
  readonly groupsClaim?: string | undefined;
  readonly groupsPrefix?: string | undefined;
  /** Claims that must be there with just this value. */
  readonly requiredClaims?: Readonly<Record<string, string>> | undefined;
}

type Claims = Readonly<Record<string, unknown>>;

/**
 * The user that verified claims name, or `undefined` when they name none that may come in. No issuer
 * makes anybody a `system:` user of the hub, and none puts anybody in a `system:` group.
 */
export function userOfClaims(claims: Claims, mapping: ClaimMapping): User | undefined {
  const { usernameClaim = "sub", requiredClaims = {} } = mapping;
  const isWhole = Object.entries(requiredClaims).every(([key, value]) => claims[key] === value);
  const claimed = claims[usernameClaim];
  if (!isWhole || typeof claimed !== "string" || claimed === "") return undefined;
  if (
    usernameClaim === "email" &&
    "email_verified" in claims &&
    claims["email_verified"] !== true
  ) {
    return undefined;
  }
  const name = usernamePrefix(mapping) + claimed;
  if (name.startsWith(systemPrefix)) return undefined;
  return { name, groups: withAuthenticated(name, groupsOf(claims, mapping)), extra: {} };
}

function usernamePrefix({ usernameClaim, usernamePrefix = "", issuerUrl }: ClaimMapping): string {
  if (usernamePrefix === "-") return "";
  if (usernamePrefix !== "") return usernamePrefix;
  return usernameClaim === "email" ? "" : `${issuerUrl}#`;
}

function groupsOf(claims: Claims, { groupsClaim, groupsPrefix = "" }: ClaimMapping) {
  const claimed = groupsClaim === undefined ? undefined : claims[groupsClaim];
  const groups: readonly unknown[] = Array.isArray(claimed) ? claimed : [claimed];
  return groups.flatMap((group) => {
    if (typeof group !== "string" || group === "") return [];
    const name = groupsPrefix + group;
    return name.startsWith(systemPrefix) ? [] : [name];
  });
}
