import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { managedServiceAccount, type Permission, permissionPolicy } from "#api";
import { grantsOf } from "./grant.ts";
import { type PermissionSnapshot, planPermissions } from "./plan.ts";
import { accountOfRights, objectsOf, type RightsObject } from "./rights-object.ts";

const agentNamespace = "agent";
const policy = permissionPolicy.parse([
  { accounts: ["reader", "ci-*"], namespaces: ["team-*", "agent"], clusterRoles: ["view", "edit"] },
  { accounts: ["reader"], clusterRoles: ["view"], clusterWide: true },
  { namespaces: ["team-a"], roles: ["deployer"] },
  {
    namespaces: ["team-a"],
    rules: [
      { apiGroups: ["", "apps"], resources: ["pods", "deployments"], verbs: ["get", "list"] },
      { apiGroups: [""], resources: ["secrets"], resourceNames: ["a", "b"], verbs: ["get"] },
    ],
  },
  {
    accounts: ["prober"],
    clusterWide: true,
    rules: [{ nonResourceURLs: ["/healthz*"], verbs: ["get"] }],
  },
]);

function accountWith(permissions: readonly Permission[] | undefined, name = "reader") {
  const spec = { rotation: {}, ...(permissions === undefined ? {} : { permissions }) };
  return managedServiceAccount.parse({ metadata: { name, namespace: "c1" }, spec });
}

/** All is well: a test names only what it is about. */
function makeSnapshot(
  permissions: readonly Permission[] | undefined,
  overrides: Partial<PermissionSnapshot> = {},
): PermissionSnapshot {
  const name = overrides.name ?? "reader";
  const account = accountWith(permissions, name);
  return {
    name,
    account,
    hasServiceAccount: true,
    existing: [],
    agentNamespace,
    policy,
    anchor: undefined,
    ...overrides,
  };
}

function rightsFor(permissions: readonly Permission[], name = "reader"): readonly RightsObject[] {
  return grantsOf(permissions).flatMap((grant) =>
    objectsOf(grant, { account: name, agentNamespace }),
  );
}

const viewTeamA: Permission = { preset: "view", namespaces: ["team-a"] };
const ownRules: Permission = {
  rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }],
  namespaces: ["team-a"],
};

function bindingFor(permission: Permission, part: Partial<RightsObject["object"]>): RightsObject {
  const [found] = rightsFor([permission]);
  assert.ok(found);
  return { ...found, object: { ...found.object, ...part } };
}

describe("planPermissions()", () => {
  it("binds a preset in each namespace, and in the whole cluster without one", () => {
    const many: Permission = { preset: "view", namespaces: ["team-a", "team-b"] };
    const { apply, report } = planPermissions(makeSnapshot([many, { clusterRole: "view" }]));
    assert.deepEqual(
      apply.map(({ kind, object }) => [kind, object.metadata.namespace, object.roleRef?.name]),
      [
        ["RoleBinding", "team-a", "view"],
        ["RoleBinding", "team-b", "view"],
        ["ClusterRoleBinding", undefined, "view"],
      ],
    );
    const subject = { kind: "ServiceAccount", name: "reader", namespace: agentNamespace };
    for (const { object } of apply) assert.deepEqual(object.subjects, [subject]);
    assert.deepEqual(report, { kind: "applied" });
  });

  it("makes a role before the binding to it, for rules of an account's own", () => {
    const { apply } = planPermissions(makeSnapshot([ownRules]));
    assert.deepEqual(
      apply.map(({ kind }) => kind),
      ["Role", "RoleBinding"],
    );
    assert.equal(apply[1]?.object.roleRef?.name, apply[0]?.object.metadata.name);
  });

  it("does nothing when all is as asked", () => {
    const existing = rightsFor([viewTeamA, ownRules]);
    const { apply, remove } = planPermissions(makeSnapshot([viewTeamA, ownRules], { existing }));
    assert.deepEqual([apply, remove], [[], []]);
  });

  it("lets all go with the agent, also what an earlier version made", () => {
    const anchor = { apiVersion: "v1", kind: "ClusterRole", name: "agent", uid: "u" };
    const existing = rightsFor([viewTeamA]);
    const first = planPermissions(makeSnapshot([viewTeamA], { existing, anchor }));
    assert.deepEqual(
      first.apply.map(({ object }) => object.metadata.ownerReferences),
      [[anchor]],
    );
    const again = planPermissions(makeSnapshot([viewTeamA], { existing: first.apply, anchor }));
    assert.deepEqual(again.apply, []);
  });

  it("puts back whom somebody took out of a binding, or put into it", () => {
    for (const subjects of [[], [{ kind: "ServiceAccount", name: "x", namespace: "y" }]]) {
      const existing = [bindingFor(viewTeamA, { subjects })];
      const { apply, remove } = planPermissions(makeSnapshot([viewTeamA], { existing }));
      assert.deepEqual([apply, remove], [rightsFor([viewTeamA]), []]);
    }
  });

  it("makes a binding anew whose role somebody has exchanged", () => {
    const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "edit" };
    const existing = [bindingFor(viewTeamA, { roleRef })];
    const { apply, remove } = planPermissions(makeSnapshot([viewTeamA], { existing }));
    assert.deepEqual([apply, remove], [rightsFor([viewTeamA]), existing]);
  });

  it("takes what is no longer asked for, bindings before their roles", () => {
    const existing = rightsFor([ownRules]);
    const { apply, remove, report } = planPermissions(makeSnapshot([], { existing }));
    assert.deepEqual(apply, []);
    assert.deepEqual(remove, [existing[1], existing[0]]);
    assert.deepEqual(report, { kind: "applied" });
  });

  it("takes all, and says nothing, when the field or the account is gone", () => {
    const existing = rightsFor([viewTeamA]);
    for (const account of [accountWith(undefined), undefined]) {
      const plan = planPermissions(makeSnapshot(undefined, { account, existing }));
      assert.deepEqual(plan, { apply: [], remove: existing, report: { kind: "none" } });
    }
  });

  it("gives nothing to a ServiceAccount that the agent has not made", () => {
    const { apply, remove, report } = planPermissions(
      makeSnapshot([viewTeamA], { hasServiceAccount: false }),
    );
    assert.deepEqual([apply, remove, report.kind], [[], [], "waiting"]);
  });

  it("gives nothing where the hub has no policy, and says what to set", () => {
    const { apply, report } = planPermissions(makeSnapshot([viewTeamA], { policy: undefined }));
    assert.deepEqual(apply, []);
    assert.match(
      report.kind === "refused" ? report.message : "",
      /^spec\.permissions.*: this hub .*permissionPolicy/,
    );
  });

  it("keeps the last good state when a change is refused, but not what the policy has forbidden since", () => {
    const admin: Permission = { clusterRole: "cluster-admin" };
    const existing = rightsFor([viewTeamA, ownRules, { preset: "edit" }]);
    const { apply, remove, report } = planPermissions(
      makeSnapshot([viewTeamA, admin], { existing }),
    );
    assert.deepEqual(apply, []);
    assert.deepEqual(remove, rightsFor([{ preset: "edit" }]));
    assert.deepEqual(report, {
      kind: "refused",
      message:
        "The hub's permission policy does not let account reader be given spec.permissions[1]: ClusterRole cluster-admin in the whole cluster",
    });
  });

  it("refuses what no cluster could give, under any policy, and keeps what holds", () => {
    const wide = permissionPolicy.parse([{ clusterRoles: ["*"], clusterWide: true }]);
    const existing = rightsFor([viewTeamA]);
    const nowhere: Permission = { preset: "view", namespaces: [".."] };
    const plan = planPermissions(makeSnapshot([nowhere], { existing, policy: wide }));
    assert.deepEqual([plan.apply, plan.remove, plan.report.kind], [[], [], "refused"]);
  });

  const pods = { apiGroups: [""], resources: ["pods"] };
  const team = { namespaces: ["team-a"] };
  const verdicts: Readonly<
    Record<string, { readonly name?: string; readonly ask: Permission; readonly allowed: boolean }>
  > = {
    "a role of another statement": { ask: { role: "deployer", ...team }, allowed: true },
    "a role elsewhere": { ask: { role: "deployer", namespaces: ["team-b"] }, allowed: false },
    "a role of another name": { ask: { role: "owner", ...team }, allowed: false },
    "a preset in a namespace that no pattern names": {
      ask: { preset: "edit", namespaces: ["kube-system"] },
      allowed: false,
    },
    "a preset for the whole cluster that is allowed in namespaces only": {
      ask: { preset: "edit" },
      allowed: false,
    },
    "a preset in any namespace, being allowed everywhere": {
      ask: { preset: "view", namespaces: ["kube-system"] },
      allowed: true,
    },
    "anything in the agent's own namespace": {
      ask: { preset: "view", namespaces: [agentNamespace] },
      allowed: false,
    },
    "an account that a pattern names": {
      name: "ci-7",
      ask: { preset: "edit", ...team },
      allowed: true,
    },
    "an account that none names": {
      name: "xci-7",
      ask: { preset: "edit", ...team },
      allowed: false,
    },
    "rules within those of a statement": {
      ask: { rules: [{ ...pods, verbs: ["get", "list"] }], ...team },
      allowed: true,
    },
    "a verb too many": {
      ask: { rules: [{ ...pods, verbs: ["get", "delete"] }], ...team },
      allowed: false,
    },
    "all verbs": { ask: { rules: [{ ...pods, verbs: ["*"] }], ...team }, allowed: false },
    "one of the named objects": {
      ask: {
        rules: [{ apiGroups: [""], resources: ["secrets"], resourceNames: ["a"], verbs: ["get"] }],
        ...team,
      },
      allowed: true,
    },
    "all objects where some are named": {
      ask: { rules: [{ apiGroups: [""], resources: ["secrets"], verbs: ["get"] }], ...team },
      allowed: false,
    },
    "another object than the named": {
      ask: {
        rules: [
          { apiGroups: [""], resources: ["secrets"], resourceNames: ["a", "c"], verbs: ["get"] },
        ],
        ...team,
      },
      allowed: false,
    },
    "a path under an allowed prefix": {
      name: "prober",
      ask: { rules: [{ nonResourceURLs: ["/healthz/etcd"], verbs: ["get"] }] },
      allowed: true,
    },
    "a path that is not": {
      name: "prober",
      ask: { rules: [{ nonResourceURLs: ["/metrics"], verbs: ["get"] }] },
      allowed: false,
    },
  };
  for (const [what, { name = "reader", ask, allowed }] of Object.entries(verdicts)) {
    it(`${allowed ? "allows" : "refuses"} ${what}`, () => {
      const { report } = planPermissions(makeSnapshot([ask], { name }));
      assert.equal(report.kind, allowed ? "applied" : "refused");
    });
  }
});

describe("accountOfRights()", () => {
  it("knows its own, and nobody else's", () => {
    const [own] = rightsFor([viewTeamA], "ci.eu");
    assert.ok(own);
    assert.equal(accountOfRights(own.object, agentNamespace), "ci.eu");
    assert.equal(accountOfRights(own.object, "other"), undefined);
    const { labels: _labels, ...bare } = own.object.metadata;
    assert.equal(accountOfRights({ metadata: bare }, agentNamespace), undefined);
  });
});
