import { matchesAny, type PermissionPolicy, type PermissionStatement } from "#api";
import { type AskedGrant, describeGrant, type Grant } from "./grant.ts";
import { isCovered } from "./rule-coverage.ts";

/** Whom grants are for, and what bounds them. */
export interface Bounds {
  readonly account: string;
  readonly agentNamespace: string;
  readonly policy: PermissionPolicy;
}

/** True when the hub's policy lets the account be given that. */
export function isAllowed(grant: Grant, { account, agentNamespace, policy }: Bounds): boolean {
  // Whoever may write there can take the agent's own identity, and with it all that it may give.
  if (grant.namespace === agentNamespace) return false;
  return policy.some(
    (statement) =>
      matchesAny(statement.accounts, account) &&
      allowsPlace(statement, grant.namespace) &&
      allowsRight(statement, grant),
  );
}

/** Why not all of the grants can be given; names each with its field. Undefined when all can. */
export function refusalOf(grants: readonly AskedGrant[], bounds: Bounds): string | undefined {
  const refused = grants.filter((grant) => !isAllowed(grant, bounds));
  if (refused.length === 0) return undefined;
  const told = refused.slice(0, 8).map((grant) => `${grant.field}: ${describeGrant(grant)}`);
  const more = refused.length > told.length ? `; and ${refused.length - told.length} more` : "";
  return `The hub's permission policy does not let account ${bounds.account} be given ${told.join("; ")}${more}`;
}

function allowsPlace(statement: PermissionStatement, namespace: string | undefined): boolean {
  if (statement.clusterWide) return true;
  return namespace !== undefined && matchesAny(statement.namespaces, namespace);
}

function allowsRight(statement: PermissionStatement, { right }: Grant): boolean {
  switch (right.kind) {
    case "ClusterRole":
      return allowsName(statement.clusterRoles, right.name);
    case "Role":
      return allowsName(statement.roles, right.name);
    case "Rules":
      return right.rules.every((rule) => isCovered(rule, statement.rules));
  }
}

function allowsName(allowed: readonly string[], name: string): boolean {
  return allowed.includes(name) || allowed.includes("*");
}
