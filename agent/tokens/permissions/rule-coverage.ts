import type { PermissionRule } from "#api";

/** True when each single thing that the rule gives is in one of the other rules, as RBAC reads them. */
export function isCovered(rule: PermissionRule, by: readonly PermissionRule[]): boolean {
  const { verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
  return verbs.every((verb) => {
    const rules = by.filter((other) => holds(other.verbs, verb));
    return (
      nonResourceURLs.every((url) => rules.some((other) => coversUrl(other, url))) &&
      apiGroups.every((group) =>
        resources.every((resource) =>
          rules.some((other) => coversObjects(other, group, resource, resourceNames)),
        ),
      )
    );
  });
}

/** No names stand for all objects. */
function coversObjects(
  { apiGroups = [], resources = [], resourceNames = [] }: PermissionRule,
  group: string,
  resource: string,
  names: readonly string[],
): boolean {
  if (!holds(apiGroups, group) || !holds(resources, resource)) return false;
  if (resourceNames.length === 0) return true;
  return names.length > 0 && names.every((name) => resourceNames.includes(name));
}

function coversUrl({ nonResourceURLs = [] }: PermissionRule, url: string): boolean {
  return nonResourceURLs.some((known) =>
    known.endsWith("*") ? url.startsWith(known.slice(0, -1)) : known === url,
  );
}

function holds(list: readonly string[], item: string): boolean {
  return list.includes(item) || list.includes("*");
}
