import { type GatewayIdentity, serviceAccountOf, systemPrefix } from "#api";
import type { User } from "../authentication/user.ts";

/** The part of a policy that is about names. */
export type NamePolicy = Pick<
  GatewayIdentity,
  "users" | "groups" | "extras" | "prefix" | "serviceAccounts"
>;

/** A user of the hub as managed clusters may know him, or why they may not. */
export type Mapping =
  | { readonly kind: "user"; readonly user: User }
  | { readonly kind: "refused"; readonly why: string };

/** What credentials of the hub say about themselves; on another cluster it would be a lie. */
const credentialExtra = "authentication.kubernetes.io/";

/**
 * Maps a user of the hub so that nothing of his collides with names that a managed cluster keeps
 * for itself: of the names in `system:`, only ServiceAccounts and their groups are carried, under
 * the policy's prefix; names that already have the prefix are nobody's.
 */
export function mapUser(user: User, policy: NamePolicy): Mapping {
  const name = mapName(user.name, policy);
  if (name.kind === "refused") return name;
  const groups = user.groups.flatMap((group) => mapGroup(group, policy));
  const extra = Object.fromEntries(
    Object.entries(user.extra).filter(([key]) => isCarried(key, policy)),
  );
  return { kind: "user", user: { ...user, name: name.name, groups: [...new Set(groups)], extra } };
}

function mapName(
  name: string,
  policy: NamePolicy,
):
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "refused"; readonly why: string } {
  const { users, prefix, serviceAccounts } = policy;
  if (name.startsWith(prefix)) {
    return { kind: "refused", why: `names that begin with ${prefix} are those of ServiceAccounts` };
  }
  if (name.startsWith(systemPrefix)) {
    if (serviceAccountOf(name) === undefined) {
      return { kind: "refused", why: `names in ${systemPrefix} are each cluster's own` };
    }
    if (serviceAccounts === "Refuse") {
      return { kind: "refused", why: "ServiceAccounts of the hub may not act on it" };
    }
  }
  const mapped = withPrefix(name, prefix);
  return isListed(users, mapped)
    ? { kind: "name", name: mapped }
    : { kind: "refused", why: `"${mapped}" is not among the users of the identity policy` };
}

function mapGroup(group: string, policy: NamePolicy): readonly string[] {
  const { groups, prefix, serviceAccounts } = policy;
  if (group === "" || group.startsWith(prefix)) return [];
  const isOfAccounts = /^system:serviceaccounts(:|$)/.test(group) && serviceAccounts === "Prefix";
  if (group.startsWith(systemPrefix) && !isOfAccounts) return [];
  const mapped = withPrefix(group, prefix);
  return isListed(groups, mapped) ? [mapped] : [];
}

function withPrefix(name: string, prefix: string): string {
  return name.startsWith(systemPrefix) ? prefix + name.slice(systemPrefix.length) : name;
}

function isCarried(key: string, { extras }: NamePolicy): boolean {
  return !key.startsWith(credentialExtra) && isListed(extras, key);
}

function isListed(list: readonly string[], name: string): boolean {
  return list.includes("*") || list.includes(name);
}
