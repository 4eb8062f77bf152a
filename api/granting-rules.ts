import type { PermissionPolicy, PermissionRule } from "./permissions.ts";

const rbacGroup = "rbac.authorization.k8s.io";

/**
 * What the agent needs on a managed cluster to give what the policy allows, and to take it back.
 * Kubernetes lets nobody give what he does not hold: so the agent may bind exactly the roles that
 * the policy names, and holds the rules that accounts may have of their own. It may never
 * `escalate`, so that an agent in wrong hands gives no more than the policy does.
 */
export function grantingRules(policy: PermissionPolicy): readonly PermissionRule[] {
  const kinds = ["roles", "clusterroles", "rolebindings", "clusterrolebindings"];
  const verbs = ["get", "list", "watch", "create", "update", "patch", "delete"];
  return [
    { apiGroups: [rbacGroup], resources: kinds, verbs },
    ...bindRule("clusterroles", new Set(policy.flatMap(({ clusterRoles }) => clusterRoles))),
    ...bindRule("roles", new Set(policy.flatMap(({ roles }) => roles))),
    ...policy.flatMap(({ rules }) => rules),
  ];
}

function bindRule(resource: string, names: ReadonlySet<string>): readonly PermissionRule[] {
  if (names.size === 0) return [];
  const rule = { apiGroups: [rbacGroup], resources: [resource], verbs: ["bind"] };
  return [names.has("*") ? rule : { ...rule, resourceNames: [...names] }];
}
