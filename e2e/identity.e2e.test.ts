/** Who uses the hub acts on managed1 as himself, as the chart sets it up, and both sides write down who it was. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { type FullBed, findFullBed, waitFor } from "#bed";
import { auditLogPath } from "./bed/components/kube-apiserver.ts";
import {
  gatewayKubeconfig,
  gatewayPath,
  kubectl,
  managedKubeconfig,
  tryKubectl,
  writeGatewayKubeconfig,
} from "./support/hub.ts";
import { untilRolled, upgradeRelease } from "./support/releases.ts";
import { kubeconfigOf } from "./support/users.ts";

const namespace = "e2e-identity";
const onManaged = { kubeconfig: managedKubeconfig };
const gateway = { namespace: "vela-system", name: "gateway-deployment" };
const account = /^system:serviceaccount:open-cluster-management-agent-addon:cluster-gateway$/;

const hubRights = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: ${namespace}}
rules:
- {apiGroups: [cluster.core.oam.dev], resources: [clustergateways/proxy], verbs: ["*"]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: ${namespace}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: ${namespace}}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: devs}, {apiGroup: rbac.authorization.k8s.io, kind: User, name: "system:node-of-nobody"}]
`;

/** What an event says of who did what. */
interface AuditEvent {
  readonly auditID: string;
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly impersonatedUser?: { readonly username: string; readonly groups?: readonly string[] };
  readonly objectRef?: {
    readonly namespace?: string;
    readonly resource?: string;
    readonly name?: string;
  };
}

function eventsIn(log: string): readonly AuditEvent[] {
  const lines = log.split("\n").filter((line) => line.includes('"audit.k8s.io/v1"'));
  return lines.flatMap((line) => {
    try {
      return [JSON.parse(line) as AuditEvent];
    } catch {
      // The last line is being written.
      return [];
    }
  });
}

describe("a hub user on managed1", () => {
  let bed: FullBed;
  let alice = "";

  before(async () => {
    bed = await findFullBed();
    await writeGatewayKubeconfig();
    alice = await kubeconfigOf(bed.hub, "alice", ["devs"], gatewayPath);
    await kubectl(["apply", "-f", "-"], { input: hubRights });
    await kubectl(["delete", "ns", namespace, "--ignore-not-found"], onManaged);
    await kubectl(["create", "ns", namespace], onManaged);
    const binding = ["create", "rolebinding", "devs", "--clusterrole=view", "--group=devs"];
    await kubectl(["-n", namespace, ...binding], onManaged);
    await upgradeRelease("cluster-gateway", [
      "identity.mode=Impersonate",
      "identity.groups={devs}",
      "audit.log=Stdout",
    ]);
    // The new identity has come to the gateway, and the right to act so to the managed cluster.
    await waitFor("alice to act as herself", async () => {
      return (await whoAmI(alice)) === "alice";
    });
    await untilRolled(gateway, 1);
  });

  after(async () => {
    await upgradeRelease("cluster-gateway");
    await kubectl(["delete", "-f", "-"], { input: hubRights });
    await kubectl(["delete", "ns", namespace, "--ignore-not-found", "--wait=false"], onManaged);
    await waitFor("the gateway's account again", async () => {
      return account.test(await whoAmI(gatewayKubeconfig));
    });
    await untilRolled(gateway, 1);
    for (const { api } of [bed.hub, ...bed.managed]) api.close();
  });

  async function whoAmI(kubeconfig: string, ...flags: readonly string[]): Promise<string> {
    const path = "-o=jsonpath={.status.userInfo.username}";
    return kubectl(["auth", "whoami", path, ...flags], { kubeconfig });
  }

  async function refusal(kubeconfig: string, ...args: readonly string[]): Promise<string> {
    const { code, stderr } = await tryKubectl(args, { kubeconfig });
    assert.notEqual(code, 0, `kubectl ${args.join(" ")} was let through`);
    return stderr;
  }

  it("may do there what she has been granted there, and nothing else", async () => {
    const inNamespace = ["-n", namespace, "get", "configmap", "kube-root-ca.crt", "-o", "name"];
    assert.match(await kubectl(inNamespace, { kubeconfig: alice }), /kube-root-ca/);
    assert.match(await refusal(alice, "get", "nodes"), /User "alice" cannot list resource "nodes"/);
    assert.match(
      await refusal(alice, "-n", namespace, "get", "secrets"),
      /User "alice" cannot list resource "secrets"/,
    );
  });

  it("acts as another with --as, if the hub lets her", async () => {
    assert.equal(await whoAmI(gatewayKubeconfig, "--as=alice", "--as-group=devs"), "alice");
    assert.match(await refusal(alice, "get", "pods", "--as=admin"), /cannot impersonate/);
  });

  it("is never one of the managed cluster's own", async () => {
    // On the hub this is an admin: his group is one that is never carried.
    assert.match(
      await refusal(gatewayKubeconfig, "get", "nodes"),
      /User "admin" cannot list resource "nodes"/,
    );
    const masters = ["get", "nodes", "--as=alice", "--as-group=devs", "--as-group=system:masters"];
    assert.match(await refusal(gatewayKubeconfig, ...masters), /User "alice" cannot list/);
    const component = ["get", "nodes", "--as=system:node-of-nobody"];
    assert.match(
      await refusal(gatewayKubeconfig, ...component),
      /managed1.*system:node-of-nobody/s,
    );
    assert.match(
      await whoAmI(gatewayKubeconfig, "--as=system:serviceaccount:ci:bot", "--as-group=devs"),
      /^hub:serviceaccount:ci:bot$/,
    );
  });

  it("stands in both audit logs, under one id", async () => {
    const name = `e2e-audited-${Date.now()}`;
    await refusal(alice, "-n", namespace, "get", "secret", name);
    const isAsked = ({ objectRef }: AuditEvent): boolean => objectRef?.name === name;
    const managed = bed.managed[0] ?? assert.fail("no managed cluster");
    const logs = ["-n", gateway.namespace, "logs", `deployment/${gateway.name}`];
    const [here, there] = await waitFor("both events", async () => {
      const atGateway = eventsIn(await kubectl(logs)).find(isAsked);
      const log = await readFile(auditLogPath(managed.plan), "utf8");
      const atManaged = eventsIn(log).find(isAsked);
      return atGateway !== undefined && atManaged !== undefined && [atGateway, atManaged];
    });
    assert.equal(here.auditID, there.auditID);
    assert.deepEqual([here.user.username, here.verb, there.verb], ["alice", "get", "get"]);
    assert.match(there.user.username, account);
    assert.equal(there.impersonatedUser?.username, "alice");
    assert.ok(there.impersonatedUser.groups?.includes("devs"));
  });
});
