import type { ManagedServiceAccount, OwnerReference, Permission, PermissionPolicy } from "#api";
import { faultOf } from "./fault.ts";
import { describeGrant, grantsOf } from "./grant.ts";
import { isAllowed, refusalOf } from "./policy.ts";
import { grantOf, isSameRights, objectsOf, type RightsObject, rightsKey } from "./rights-object.ts";

/** All that the plan for the permissions of one account looks at. */
export interface PermissionSnapshot {
  readonly name: string;
  /** Undefined when it is gone. */
  readonly account: ManagedServiceAccount | undefined;
  /** Whether there is a ServiceAccount of that name that the agent made. */
  readonly hasServiceAccount: boolean;
  /** The objects that give the account rights now. */
  readonly existing: readonly RightsObject[];
  readonly agentNamespace: string;
  /** Undefined when the hub has none, so that the agent may not give anything. */
  readonly policy: PermissionPolicy | undefined;
  /** What the objects go with; undefined where nothing is known that would take them along. */
  readonly anchor: OwnerReference | undefined;
}

/** What the condition will say. `none`: that there is no such condition. */
export type PermissionReport =
  | { readonly kind: "none" }
  | { readonly kind: "applied" }
  | { readonly kind: "waiting"; readonly message: string }
  | { readonly kind: "refused"; readonly message: string };

export interface PermissionPlan {
  /** In this order: a role comes before its binding. */
  readonly apply: readonly RightsObject[];
  /** In this order: a binding goes before its role. */
  readonly remove: readonly RightsObject[];
  readonly report: PermissionReport;
}

/** Decides, and does nothing. What is refused keeps its last good state, within today's policy. */
export function planPermissions(snapshot: PermissionSnapshot): PermissionPlan {
  const { account, existing, policy, name, agentNamespace, anchor } = snapshot;
  const asked = account?.spec.permissions;
  if (asked === undefined)
    return { apply: [], remove: inOrder(existing), report: { kind: "none" } };
  if (policy === undefined) return refuse(withoutPolicy(asked), []);
  const bounds = { account: name, agentNamespace, policy };
  const grants = grantsOf(asked);
  const refusal = faultOf(asked) ?? refusalOf(grants, bounds);
  if (refusal !== undefined) {
    const beyond = existing.filter((object) => {
      const grant = grantOf(object);
      return grant !== undefined && !isAllowed(grant, bounds);
    });
    return refuse(refusal, inOrder(beyond));
  }
  if (!snapshot.hasServiceAccount) return wait(snapshot);
  return converge(
    grants.flatMap((grant) => objectsOf(grant, { account: name, agentNamespace, anchor })),
    existing,
  );
}

function refuse(message: string, remove: readonly RightsObject[]): PermissionPlan {
  return { apply: [], remove, report: { kind: "refused", message } };
}

function withoutPolicy(asked: readonly Permission[]): string {
  const [first] = grantsOf(asked);
  const what = first === undefined ? "spec.permissions" : `${first.field}: ${describeGrant(first)}`;
  return `${what}: this hub gives no permissions with accounts; set permissionPolicy of the chart managed-serviceaccount`;
}

function wait({ agentNamespace, name }: PermissionSnapshot): PermissionPlan {
  const message = `spec.permissions: there is no ServiceAccount ${agentNamespace}/${name} on the managed cluster that the agent made; only such a one is given permissions`;
  return { apply: [], remove: [], report: { kind: "waiting", message } };
}

function converge(
  desired: readonly RightsObject[],
  existing: readonly RightsObject[],
): PermissionPlan {
  const wanted = new Map(desired.map((object) => [rightsKey(object), object]));
  const known = new Map(existing.map((object) => [rightsKey(object), object]));
  const apply = [...wanted].flatMap(([key, object]) => {
    const found = known.get(key);
    return found !== undefined && isUpToDate(found, object) ? [] : [object];
  });
  const remove = existing.filter((object) => {
    const same = wanted.get(rightsKey(object));
    return same === undefined || !isSameRole(object, same);
  });
  return { apply, remove: inOrder(remove), report: { kind: "applied" } };
}

function isUpToDate(found: RightsObject, wanted: RightsObject): boolean {
  return isSameRights(found, wanted) && goesWith(found, wanted.object.metadata.ownerReferences);
}

function goesWith({ object }: RightsObject, owners: readonly OwnerReference[] = []): boolean {
  const known = object.metadata.ownerReferences ?? [];
  return owners.every(({ uid }) => known.some((owner) => owner.uid === uid));
}

/** The role of a binding cannot be changed: somebody made it anew with another one. */
function isSameRole({ object: a }: RightsObject, { object: b }: RightsObject): boolean {
  return a.roleRef?.kind === b.roleRef?.kind && a.roleRef?.name === b.roleRef?.name;
}

function inOrder(objects: readonly RightsObject[]): readonly RightsObject[] {
  const isBinding = ({ kind }: RightsObject): boolean => kind.endsWith("Binding");
  return [...objects.filter(isBinding), ...objects.filter((object) => !isBinding(object))];
}
