import type { Permission, PermissionRule } from "#api";

/**
 * Why no cluster could give these permissions, whatever a policy says: the field, its value, and the
 * rule that it breaks. Undefined when they are well formed.
 *
 * The hub's API server checks the same, but not in what was stored before it did.
 */
export function faultOf(permissions: readonly Permission[]): string | undefined {
  for (const [index, permission] of permissions.entries()) {
    const fault = faultOfPermission(permission);
    if (fault !== undefined) return `spec.permissions[${index}]${fault}`;
  }
  return undefined;
}

function faultOfPermission(permission: Permission): string | undefined {
  for (const field of ["clusterRole", "role"] as const) {
    const name = permission[field];
    if (name === undefined || isRoleName(name)) continue;
    return `.${field} ${JSON.stringify(name)} is no name of a role: it may not be . or .., nor hold / or %`;
  }
  const namespaces = permission.namespaces ?? [];
  const wrong = namespaces.findIndex((name) => !isNamespaceName(name));
  if (wrong !== -1) {
    return `.namespaces[${wrong}] ${JSON.stringify(namespaces[wrong])} is no name of a namespace: at most 63 of a-z, 0-9 and -, the first and last no -`;
  }
  const rules = permission.rules ?? [];
  for (const [index, rule] of rules.entries()) {
    const fault = faultOfRule(rule);
    if (fault !== undefined) return `.rules[${index}] ${fault}`;
  }
  return undefined;
}

function faultOfRule({
  verbs,
  apiGroups = [],
  resources = [],
  nonResourceURLs = [],
}: PermissionRule): string | undefined {
  if (verbs.length === 0) return "has no verbs";
  const hasResources = resources.length > 0;
  if (hasResources === nonResourceURLs.length > 0) {
    return "needs either resources or nonResourceURLs, not both";
  }
  if (hasResources && apiGroups.length === 0) {
    return 'has no apiGroups for its resources; the core group is ""';
  }
  return undefined;
}

/** RBAC puts names of roles into paths. */
function isRoleName(name: string): boolean {
  return name !== "." && name !== ".." && !/[/%]/.test(name);
}

function isNamespaceName(name: string): boolean {
  return name.length <= 63 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name);
}
