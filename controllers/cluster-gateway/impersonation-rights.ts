import {
  faultsOfRule,
  type IdentityPolicy,
  type IdentityRule,
  identityModeOf,
  type Manifest,
  type PermissionRule,
  serviceAccountOf,
  systemPrefix,
} from "#api";
import { compilePattern } from "#runtime";
import { gatewayNames } from "./names.ts";

const rbacGroup = "rbac.authorization.k8s.io";
const authenticationGroup = "authentication.k8s.io";

export interface Account {
  readonly namespace: string;
  readonly name: string;
}

/**
 * What the gateway's account needs on one managed cluster to act as others there: exactly whom the
 * policy can produce, by name where it names them, and nothing where everyone acts as the account.
 */
export function impersonationRights(
  policy: IdentityPolicy,
  cluster: string,
  account: Account,
): readonly Manifest[] {
  if (identityModeOf(policy, cluster) === "Shared") return [];
  const targets = policy.rules.flatMap((rule) => targetOf(rule, cluster));
  const { rules, accounts } = impersonated(policy, targets);
  const name = gatewayNames.impersonatorRole;
  return [
    ...rights("ClusterRole", { name }, rules, account),
    ...[...accounts].flatMap(([namespace, names]) =>
      rights("Role", { name, namespace }, [impersonate("", "serviceaccounts", names)], account),
    ),
  ];
}

/** A rule that is right, and about this cluster, makes its target a name that is needed. */
function targetOf(rule: IdentityRule, cluster: string) {
  const { target, source = {} } = rule;
  if (target === undefined || faultsOfRule(rule).length > 0) return [];
  const { cluster: only = cluster, clusterPattern } = source;
  const isAbout = clusterPattern === undefined || compilePattern(clusterPattern)(cluster);
  return only === cluster && isAbout ? [target] : [];
}

function impersonated(
  { users, groups, extras }: IdentityPolicy,
  targets: ReturnType<typeof targetOf>,
): {
  readonly rules: readonly PermissionRule[];
  readonly accounts: ReadonlyMap<string, readonly string[]>;
} {
  const targetUsers = targets.map(({ user = "" }) => user);
  const accounts = targetUsers.flatMap((user) => serviceAccountOf(user) ?? []);
  const byNamespace = Map.groupBy(accounts, ({ namespace }) => namespace);
  const namedUsers = targetUsers.filter((user) => serviceAccountOf(user) === undefined);
  const namedGroups = targets.flatMap(({ groups: own = [] }) => own);
  const rules = [
    impersonate("", "users", [...withoutSystem(users), ...namedUsers]),
    impersonate("", "groups", [...withoutSystem(groups), ...namedGroups.filter(isSent)]),
    impersonate(authenticationGroup, "uids", ["*"]),
    ...extraRules(extras),
  ];
  return {
    rules: rules.filter(({ resourceNames }) => resourceNames?.length !== 0),
    accounts: new Map(
      [...byNamespace].map(([namespace, list]) => [namespace, list.map(({ name }) => name)]),
    ),
  };
}

/** The policy's own lists never produce such names, whatever is written there. */
function withoutSystem(names: readonly string[]): readonly string[] {
  return names.filter((name) => !name.startsWith(systemPrefix));
}

/** API servers add this group by themselves, so the gateway never asks for it. */
function isSent(group: string): boolean {
  return group !== "system:authenticated";
}

function extraRules(extras: readonly string[]): readonly PermissionRule[] {
  if (extras.length === 0) return [];
  // RBAC knows no pattern for keys: the resources of this group are uids and userextras alone.
  const resources = extras.includes("*") ? ["*"] : extras.map((key) => `userextras/${key}`);
  return [{ apiGroups: [authenticationGroup], resources, verbs: ["impersonate"] }];
}

function impersonate(group: string, resource: string, names: readonly string[]): PermissionRule {
  const rule = { apiGroups: [group], resources: [resource], verbs: ["impersonate"] };
  return names.includes("*") ? rule : { ...rule, resourceNames: [...new Set(names)].toSorted() };
}

function rights(
  kind: "ClusterRole" | "Role",
  metadata: { readonly name: string; readonly namespace?: string },
  rules: readonly PermissionRule[],
  account: Account,
): readonly Manifest[] {
  const apiVersion = `${rbacGroup}/v1`;
  return [
    { apiVersion, kind, metadata, rules },
    {
      apiVersion,
      kind: `${kind}Binding`,
      metadata,
      roleRef: { apiGroup: rbacGroup, kind, name: metadata.name },
      subjects: [{ kind: "ServiceAccount", ...account }],
    },
  ];
}
