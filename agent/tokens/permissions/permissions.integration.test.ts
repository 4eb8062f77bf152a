import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
  findCondition,
  grantingRules,
  managedServiceAccounts,
  type Permission,
  type PermissionPolicy,
  permissionPolicy,
} from "#api";
import { waitFor } from "#bed";
import { startTcpRelay } from "#testing";
import { agentNamespace, clusterName, type RunningAgent, soon, TokenBed } from "../token-bed.ts";

const policy: PermissionPolicy = permissionPolicy.parse([
  { accounts: ["reader*"], clusterRoles: ["view"], clusterWide: true },
  { namespaces: ["team-*"], clusterRoles: ["edit"] },
  {
    namespaces: ["team-*"],
    rules: [{ apiGroups: [""], resources: ["configmaps"], verbs: ["get", "create"] }],
  },
]);

describe("permissions with the identity", { timeout: 300_000 }, () => {
  let bed: TokenBed;
  let agent: RunningAgent;

  before(async () => {
    bed = await TokenBed.start(startTcpRelay);
    const rules = grantingRules(policy);
    const metadata = { name: "agent-grants" };
    const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", ...metadata };
    const subjects = [
      { kind: "ServiceAccount", name: "managed-serviceaccount", namespace: agentNamespace },
    ];
    const apiVersion = "rbac.authorization.k8s.io/v1";
    const objects = [
      { apiVersion, kind: "ClusterRole", metadata, rules },
      { apiVersion, kind: "ClusterRoleBinding", metadata, roleRef, subjects },
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "team-a" } },
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "team-b" } },
    ];
    await bed.managed.apply(objects.map((object) => JSON.stringify(object)).join("\n---\n"));
    agent = await bed.startAgent({ permissionPolicy: policy });
  });
  after(async () => {
    await agent.stop();
    await bed[Symbol.asyncDispose]();
  });

  const create = async (name: string, permissions: readonly Permission[]): Promise<void> =>
    bed.createAccount(name, { rotation: {}, permissions });
  const ask = async (name: string, permissions: readonly Permission[] | null): Promise<void> => {
    const key = { name, namespace: clusterName };
    const patch = { spec: { permissions } };
    await bed.hubAdmin.mergePatch(managedServiceAccounts, key, patch, soon());
  };
  const told = async (name: string, reason: string): Promise<string> =>
    waitFor(`${name} to be ${reason}`, async () => {
      const account = await bed.account(name);
      const condition = findCondition(account.status.conditions, "PermissionsApplied");
      const isAbout = condition?.observedGeneration === account.metadata.generation;
      return isAbout && condition?.reason === reason && condition.message;
    });
  /** What the API server answers the identity, by the token that its Secret holds. */
  const can = async (name: string, verb: string, resource: string, namespace?: string) => {
    const user = `system:serviceaccount:${agentNamespace}:${name}`;
    const answer = await bed.managed.api.send({
      method: "POST",
      path: "/apis/authorization.k8s.io/v1/subjectaccessreviews",
      body: {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SubjectAccessReview",
        spec: { user, resourceAttributes: { verb, resource, namespace } },
      },
    });
    return (answer.body as { status: { allowed: boolean } }).status.allowed;
  };
  const eventually = async (what: string, probe: () => Promise<boolean>): Promise<void> => {
    await waitFor(what, probe, { limitMs: 30_000 });
  };

  it("gives what the policy allows, where it allows it, and says so", async () => {
    await create("reader", [{ preset: "view" }, { preset: "edit", namespaces: ["team-a"] }]);
    await told("reader", "PermissionsApplied");
    await eventually("the right", async () => can("reader", "list", "pods", "kube-system"));
    assert.equal(await can("reader", "delete", "pods", "team-a"), true);
    assert.equal(await can("reader", "delete", "pods", "team-b"), false);
  });

  it("gives rules of an account's own, which Kubernetes lets nobody give who lacks them", async () => {
    const rules = [{ apiGroups: [""], resources: ["configmaps"], verbs: ["create"] }];
    await create("writer", [{ rules, namespaces: ["team-a", "team-b"] }]);
    await told("writer", "PermissionsApplied");
    await eventually("the right", async () => can("writer", "create", "configmaps", "team-b"));
    assert.equal(await can("writer", "get", "configmaps", "team-b"), false);
  });

  it("repairs what others change or delete", async () => {
    const bindings = "rolebindings.rbac.authorization.k8s.io";
    const ours = [
      "-n",
      "team-b",
      "-l",
      "authentication.open-cluster-management.io/is-managed-serviceaccount=true",
    ];
    await bed.managed.kubectl(["delete", bindings, ...ours]);
    await eventually("the binding", async () => can("writer", "create", "configmaps", "team-b"));
    const [role = ""] = (await bed.managed.kubectl(["get", "roles", ...ours, "-o", "name"])).split(
      "\n",
    );
    const widened = JSON.stringify([{ op: "replace", path: "/rules/0/verbs", value: ["*"] }]);
    await bed.managed.kubectl(["patch", role, "-n", "team-b", "--type=json", "-p", widened]);
    await eventually(
      "the rules",
      async () => !(await can("writer", "delete", "configmaps", "team-b")),
    );
  });

  it("refuses what is beyond the policy, names it, and keeps the last good state", async () => {
    await ask("reader", [{ preset: "view" }, { clusterRole: "cluster-admin" }]);
    const message = await told("reader", "PermissionsRefused");
    assert.match(message, /spec\.permissions\[1\]: ClusterRole cluster-admin in the whole cluster/);
    assert.equal(await can("reader", "list", "pods", "team-a"), true);
    assert.equal(await can("reader", "delete", "nodes"), false);
    assert.equal((await bed.account("reader")).status.conditions.length, 3);
  });

  it("tells which namespace is missing, and gives the rest", async () => {
    await create("early", [{ preset: "edit", namespaces: ["team-later", "team-a"] }]);
    assert.match(await told("early", "PermissionsFailed"), /team-later/);
    await eventually("the right", async () => can("early", "delete", "pods", "team-a"));
    await bed.managed.kubectl(["create", "namespace", "team-later"]);
    await told("early", "PermissionsApplied");
  });

  it("keeps the last good state when a change is one that no cluster could make", async () => {
    await create("kept", [{ preset: "edit", namespaces: ["team-a"] }]);
    await told("kept", "PermissionsApplied");
    const permission = "permissions/items/properties";
    const rules = ["namespaces/items/pattern", "clusterRole/pattern"];
    const nowhere: readonly Permission[] = [{ preset: "edit", namespaces: [".."] }];
    const pointers = rules.map((rule) => `${permission}/${rule}`);
    await bed.forgetRules(pointers, { rotation: {}, permissions: nowhere });
    const wrong: readonly (readonly [readonly Permission[], RegExp])[] = [
      [nowhere, /^spec\.permissions\[0\]\.namespaces\[0\] "\.\." is no name of a namespace/],
      [
        [{ clusterRole: "a/b" }],
        /^spec\.permissions\[0\]\.clusterRole "a\/b" is no name of a role/,
      ],
    ];
    for (const [permissions, message] of wrong) {
      await ask("kept", permissions);
      assert.match(await told("kept", "PermissionsRefused"), message);
      assert.equal(await can("kept", "delete", "pods", "team-a"), true);
    }
    await create("beside", [{ preset: "edit", namespaces: ["team-b"] }]);
    await told("beside", "PermissionsApplied");
  });

  it("takes everything when the field goes, and when the account goes", async () => {
    await ask("reader", null);
    await eventually("the end", async () => !(await can("reader", "list", "pods", "team-a")));
    await waitFor("the condition to go", async () => {
      const { status } = await bed.account("reader");
      return findCondition(status.conditions, "PermissionsApplied") === undefined;
    });
    const key = { name: "writer", namespace: clusterName };
    await bed.hubAdmin.delete(managedServiceAccounts, key, soon());
    await eventually(
      "the end",
      async () => !(await can("writer", "create", "configmaps", "team-a")),
    );
  });

  it("is held to the policy by Kubernetes too: the agent cannot give more", async () => {
    await agent.stop();
    const wide = permissionPolicy.parse([{ clusterRoles: ["*"], clusterWide: true }]);
    const misled = await bed.startAgent({ permissionPolicy: wide });
    try {
      await create("climber", [{ clusterRole: "cluster-admin" }]);
      assert.match(await told("climber", "PermissionsFailed"), /cluster-admin|attempting to grant/);
      assert.equal(await can("climber", "delete", "nodes"), false);
    } finally {
      await misled.stop();
      agent = await bed.startAgent({ permissionPolicy: policy });
    }
  });

  it("gives nothing without a policy, and says what to set", async () => {
    await agent.stop();
    const bare = await bed.startAgent();
    try {
      await create("hopeful", [{ preset: "view" }]);
      assert.match(await told("hopeful", "PermissionsRefused"), /permissionPolicy/);
      await bed.workingToken("hopeful");
    } finally {
      await bare.stop();
      agent = await bed.startAgent({ permissionPolicy: policy });
    }
  });
});
