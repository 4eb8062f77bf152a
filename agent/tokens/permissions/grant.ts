import type { Permission, PermissionRule } from "#api";

/** What is given. */
export type Right =
  | { readonly kind: "ClusterRole"; readonly name: string }
  | { readonly kind: "Role"; readonly name: string }
  | { readonly kind: "Rules"; readonly rules: readonly PermissionRule[] };

/** One right in one place. */
export interface Grant {
  readonly right: Right;
  /** Undefined for the whole cluster. */
  readonly namespace: string | undefined;
}

/** A grant, and which field asks for it. */
export interface AskedGrant extends Grant {
  /** E.g. `spec.permissions[2]`. */
  readonly field: string;
}

/** Everything that the permissions ask for, one by one. */
export function grantsOf(permissions: readonly Permission[]): readonly AskedGrant[] {
  return permissions.flatMap((permission, index) => {
    const right = rightOf(permission);
    if (right === undefined) return [];
    const field = `spec.permissions[${index}]`;
    const places = permission.namespaces ?? [undefined];
    return places.map((namespace) => ({ field, right, namespace }));
  });
}

function rightOf({ preset, clusterRole, role, rules }: Permission): Right | undefined {
  const name = preset ?? clusterRole;
  if (name !== undefined) return { kind: "ClusterRole", name };
  if (role !== undefined) return { kind: "Role", name: role };
  return rules === undefined ? undefined : { kind: "Rules", rules };
}

/** The grant in words. */
export function describeGrant({ right, namespace }: Grant): string {
  const what = right.kind === "Rules" ? describeRules(right.rules) : `${right.kind} ${right.name}`;
  return `${what} in ${namespace === undefined ? "the whole cluster" : `namespace ${namespace}`}`;
}

function describeRules(rules: readonly PermissionRule[]): string {
  const told = rules.map(({ verbs, resources, nonResourceURLs, apiGroups }) => {
    const group = (apiGroups ?? []).filter((name) => name !== "").join(",");
    const on = [...(resources ?? []), ...(nonResourceURLs ?? [])].join(",");
    return `${verbs.join(",")} on ${on}${group === "" ? "" : ` of ${group}`}`;
  });
  return `rules (${told.join("; ")})`;
}
