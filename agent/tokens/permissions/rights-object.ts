import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import {
  clusterRoleBindings,
  clusterRoles,
  type KubeObject,
  managedServiceAccountLabels,
  type OwnerReference,
  type PermissionRule,
  type ResourceType,
  roleBindings,
  roles,
} from "#api";
import type { Grant, Right } from "./grant.ts";

interface RoleRef {
  readonly apiGroup: string;
  readonly kind: string;
  readonly name: string;
}

interface Subject {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
}

/** What a Role or a binding of ours says beside its metadata; a cached one has the same fields. */
export interface RightsBody {
  readonly rules?: readonly PermissionRule[] | null;
  readonly roleRef?: RoleRef;
  readonly subjects?: readonly Subject[];
}

export type RightsKind = "ClusterRole" | "Role" | "ClusterRoleBinding" | "RoleBinding";

/** One object that gives rights on the managed cluster. */
export interface RightsObject {
  readonly kind: RightsKind;
  readonly object: KubeObject & RightsBody;
}

/** How each kind is asked for. */
export const rightsTypes: Readonly<Record<RightsKind, ResourceType<KubeObject & RightsBody>>> = {
  ClusterRole: clusterRoles,
  Role: roles,
  ClusterRoleBinding: clusterRoleBindings,
  RoleBinding: roleBindings,
};

/** Who is given rights: a ServiceAccount of the agent's namespace. */
export interface Bearer {
  readonly account: string;
  readonly agentNamespace: string;
  /** What the rights go with. */
  readonly anchor?: OwnerReference | undefined;
}

const namePrefix = "open-cluster-management:managed-serviceaccount";
const rbacGroup = "rbac.authorization.k8s.io";

/** The account whose rights an object gives; undefined for what no agent of this namespace made. */
export function accountOfRights(
  { metadata }: KubeObject,
  agentNamespace: string,
): string | undefined {
  if (metadata.labels?.[managedServiceAccountLabels.managed] !== "true") return undefined;
  const prefix = `${namePrefix}:${agentNamespace}:`;
  const { name } = metadata;
  // Names of accounts hold no colon.
  return name.startsWith(prefix) ? name.slice(prefix.length).split(":")[0] : undefined;
}

/** The objects that give that: a binding, before it the role when the rules are the account's own. */
export function objectsOf(grant: Grant, bearer: Bearer): readonly RightsObject[] {
  const { right, namespace } = grant;
  const metadata = {
    name: `${namePrefix}:${bearer.agentNamespace}:${bearer.account}:${digestOf(right)}`,
    labels: { [managedServiceAccountLabels.managed]: "true" },
    ...(namespace === undefined ? {} : { namespace }),
    ...(bearer.anchor === undefined ? {} : { ownerReferences: [bearer.anchor] }),
  };
  const isWide = namespace === undefined;
  const ownKind = isWide ? "ClusterRole" : "Role";
  const roleRef =
    right.kind === "Rules"
      ? { apiGroup: rbacGroup, kind: ownKind, name: metadata.name }
      : { apiGroup: rbacGroup, kind: right.kind, name: right.name };
  const subject = {
    kind: "ServiceAccount",
    name: bearer.account,
    namespace: bearer.agentNamespace,
  };
  const binding: RightsObject = {
    kind: isWide ? "ClusterRoleBinding" : "RoleBinding",
    object: { metadata, roleRef, subjects: [subject] },
  };
  if (right.kind !== "Rules") return [binding];
  return [{ kind: ownKind, object: { metadata, rules: right.rules } }, binding];
}

/** Which object it is, whatever it says. */
export function rightsKey({ kind, object }: RightsObject): string {
  return `${kind}/${object.metadata.namespace ?? ""}/${object.metadata.name}`;
}

/** True when both give the same. */
export function isSameRights(a: RightsObject, b: RightsObject): boolean {
  const bodyOf = ({ object: { rules, roleRef, subjects } }: RightsObject) => ({
    rules: rules ?? undefined,
    roleRef,
    subjects,
  });
  return isDeepStrictEqual(bodyOf(a), bodyOf(b));
}

/**
 * What an object of ours gives as it is, for holding it against the policy. A binding to a role of
 * ours gives what that role says, which is held against it by itself.
 */
export function grantOf({ object }: RightsObject): Grant | undefined {
  const { namespace } = object.metadata;
  const { roleRef } = object;
  if (roleRef === undefined)
    return { right: { kind: "Rules", rules: object.rules ?? [] }, namespace };
  if (roleRef.name.startsWith(`${namePrefix}:`)) return undefined;
  const kind = roleRef.kind === "Role" ? "Role" : "ClusterRole";
  return { right: { kind, name: roleRef.name }, namespace };
}

/** Another right is another object, because the role of a binding cannot be changed. */
function digestOf(right: Right): string {
  return createHash("sha256").update(JSON.stringify(right)).digest("hex").slice(0, 12);
}
