import assert from "node:assert/strict";
import { copyFile, readFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { type ChildProgram, waitFor } from "#bed";
import { AuditLog } from "#testing";
import { makeAccount } from "../../e2e/bed/ocm/account.ts";
import { AddonHub, addonNamespace } from "../testdata/addon-hub.ts";
import { PodProcess } from "../testdata/pod-process.ts";

const addon = "managed-serviceaccount";
const cluster = "managed1";
const agents = "open-cluster-management-agent-addon";
const agentName = "managed-serviceaccount-addon-agent";
const group = "authentication.open-cluster-management.io";
/** Certificates of OpenSSL have no room for that name: the second agent has another. */
const secondAgent = "second-agent";
const agentUser = `system:open-cluster-management:cluster:${cluster}:addon:${addon}:agent:addon-agent`;
const managerUser = `system:serviceaccount:${addonNamespace}:${addon}-addon-manager`;
const policy = JSON.stringify([{ clusterRoles: ["view"], clusterWide: true }]);

type Side = "hub" | "managed";
/** Some of what leaders write. */
const workOf = {
  hub: ["managedserviceaccounts", "secrets", "clusterprofiles/status"],
  managed: ["serviceaccounts", "serviceaccounts/token", "clusterrolebindings"],
} as const;

/** Everything that the controller can do is on. */
const settings = {
  values: [
    "outputs.namespaces={argocd}",
    "featureGates.clusterProfile=true",
    "featureGates.ephemeralIdentity=true",
    "clusterProfileNamespaces={*}",
    `--set-json=permissionPolicy=${policy}`,
  ],
  given: [
    "--output-namespaces=argocd",
    "--feature-gates=ClusterProfile=true,EphemeralIdentity=true",
    "--cluster-profile-namespaces=*",
    `--permission-policy=${policy}`,
  ],
};

/** The audit logs of both clusters tell the copies apart: each has a credential of its own. */
describe("two controllers and two agents", { timeout: 420_000 }, () => {
  const started = new AsyncDisposableStack();
  let logs: Readonly<Record<Side, AuditLog>>;
  let world: AddonHub;
  let kubeconfigs = 0;
  let leadingAgent: ChildProgram;
  let otherAgent: ChildProgram;
  /** Credentials of those that lead first, on the hub and on the managed cluster. */
  let leaders: Readonly<Record<Side, ReadonlySet<string>>>;

  before(
    async () => {
      logs = {
        hub: started.use(await AuditLog.of([managerUser, agentUser, secondAgent])),
        managed: started.use(await AuditLog.of([`system:serviceaccount:${agents}:${addon}`])),
      };
      const flags = { hubFlags: logs.hub.flags, managedFlags: logs.managed.flags };
      const options = { clusterProfiles: true, ...flags };
      world = started.use(await AddonHub.start("v1alpha1-and-v1beta1", options));
      await world.hub.kubectl(["create", "namespace", "argocd"]);
      const caBundle = (await readFile(world.managed.caPath)).toString("base64");
      const configs = [{ url: world.managed.server, caBundle }];
      await patch("managedcluster", cluster, { spec: { managedClusterClientConfigs: configs } });
      await world.install(addon, settings);
      const applied = '.status.conditions[?(@.type=="ManifestApplied")].status';
      await world.untilField("True", "managedclusteraddon", addon, applied, cluster);
      leadingAgent = await startAgent();
      await createAccount("first", {});
      await reported("first");
      leaders = { hub: await writers("hub"), managed: await writers("managed") };
      await world.addStandby(addon, settings);
      const binding = ["rolebinding", "second-agent", `--role=${addon}-addon-agent`];
      const user = [`--user=${secondAgent}`, `--namespace=${cluster}`];
      await world.hub.kubectl(["create", ...binding, ...user]);
      const second = await world.hub.kubeconfigFor(secondAgent);
      otherAgent = await startAgent(await readFile(second, "utf8"));
      await waitFor("the second ones", async () => {
        otherAgent.throwIfEnded();
        const controllers = world.log.split("Found addon API").length - 1;
        return controllers === 2 && otherAgent.output.includes("Reached both clusters");
      });
    },
    { timeout: 300_000 },
  );
  after(async () => started.disposeAsync());

  async function patch(kind: string, name: string, change: object): Promise<void> {
    const target = [kind, name, `--namespace=${cluster}`];
    const text = JSON.stringify(change);
    await world.hub.kubectl(["patch", ...target, "--type=merge", `--patch=${text}`]);
  }

  async function startAgent(kubeconfig?: string): Promise<ChildProgram> {
    const credential = ["secret", "managed-serviceaccount-hub-kubeconfig"] as const;
    await waitFor("the agent and its credential", async () => {
      const found = await Promise.all([
        world.managedField("deployment", agentName, ".metadata.name", agents),
        world.managedField(...credential, ".data.kubeconfig", agents),
      ]);
      return found.every((text) => text !== "");
    });
    const pod = started.use(await PodProcess.of(world.managed, agents, agentName));
    if (kubeconfig !== undefined) await pod.rewrite("kubeconfig", () => kubeconfig);
    // Each with a file of its own: the next agent's credential is another.
    const common = await makeAccount(world.managed, agents, addon);
    kubeconfigs += 1;
    const spoke = `${common}.${kubeconfigs}`;
    await copyFile(common, spoke);
    return pod.start([
      "--leader-elect=true",
      `--spoke-kubeconfig=${spoke}`,
      "--health-probe-bind-address=0",
      "--metrics-bind-address=0",
    ]);
  }

  async function createAccount(name: string, spec: object): Promise<void> {
    const metadata = { name, namespace: cluster };
    const account = { apiVersion: `${group}/v1beta1`, kind: "ManagedServiceAccount", metadata };
    const rotation = { validity: "1h" };
    await world.hub.apply(JSON.stringify({ ...account, spec: { rotation, ...spec } }));
  }

  const conditionOf = async (name: string, type: string, field: string): Promise<string> => {
    const path = `.status.conditions[?(@.type=="${type}")].${field}`;
    return world.field("managedserviceaccount", name, path, cluster);
  };
  const reported = async (name: string): Promise<void> => {
    await waitFor(`a report on ${name}`, async () => {
      leadingAgent.throwIfEnded();
      return (await conditionOf(name, "TokenReported", "status")) === "True";
    });
  };
  const token = async (name: string, namespace: string): Promise<string> =>
    world.field("secret", name, ".data.token", namespace);
  const writers = async (side: Side): Promise<ReadonlySet<string>> =>
    new Set((await logs[side].written()).keys());
  /** What those have written that did not lead first, one entry for each. */
  const writtenByOthers = async (side: Side): Promise<readonly ReadonlySet<string>[]> =>
    [...(await logs[side].written())]
      .filter(([credential]) => !leaders[side].has(credential))
      .map(([, written]) => written);

  it("have one of each do all the work, and the other write nothing at all", async () => {
    const leftover = "open-cluster-management:managed-serviceaccount:clusterrole:agent";
    const labels = `open-cluster-management.io/addon-name=${addon}`;
    const binding = ["create", "rolebinding", leftover, "--clusterrole=view", "--user=nobody"];
    await world.hub.kubectl([...binding, `--namespace=${cluster}`]);
    await world.hub.kubectl(["label", "rolebinding", leftover, labels, `--namespace=${cluster}`]);
    await createAccount("brief", { ttlSecondsAfterCreation: 3 });
    await world.hub.apply(`
apiVersion: ${group}/v1alpha1
kind: ManagedServiceAccountSet
metadata: {name: ci, namespace: ${addonNamespace}}
spec:
  placementRef: {name: global}
  template:
    metadata: {labels: {${group}/sync-to-clusterprofile: "true"}}
    spec:
      rotation: {validity: 1h}
      permissions: [{preset: view}]
      outputs:
        kubeconfig: {via: Direct}
        argocd: {namespace: argocd, via: Direct}
`);
    await waitFor("all that the set and the others ask for", async () => {
      const there = await Promise.all([
        world.field("managedserviceaccountset", "ci", ".status.summary", addonNamespace),
        conditionOf("ci", "PermissionsApplied", "status"),
        conditionOf("ci", "OutputsReady", "status"),
      ]);
      const gone = await Promise.all([
        world.field("managedserviceaccount", "brief", ".metadata.name", cluster),
        world.field("rolebinding", leftover, ".metadata.name", cluster),
      ]);
      const [own, copy] = [
        await token("ci", cluster),
        await token(`${cluster}-ci`, addonNamespace),
      ];
      const isAll = there.join() === "1/1,True,True" && gone.join() === "," && own !== "";
      return isAll && own === copy;
    });
    assert.deepEqual([leaders.hub.size, leaders.managed.size], [2, 1]);
    assert.deepEqual(await writtenByOthers("hub"), []);
    assert.deepEqual(await writtenByOthers("managed"), []);
    for (const side of ["hub", "managed"] as const) {
      const all = [...(await logs[side].written()).values()];
      for (const kind of workOf[side]) {
        assert.ok(
          all.some((written) => written.has(kind)),
          kind,
        );
      }
    }
  });

  it("go on when those that led are killed, with what is left to do", async () => {
    await world.killLeaders();
    await leadingAgent.stop("SIGKILL");
    leadingAgent = otherAgent;
    const before = await token("ci", cluster);
    await patch("managedserviceaccount", "first", { spec: { rotation: { validity: "40m" } } });
    await world.hub.kubectl(["delete", "secret", "ci", `--namespace=${cluster}`]);
    await world.hub.kubectl(["delete", "secret", "ci-kubeconfig", `--namespace=${cluster}`]);
    await waitFor("another token, and all that is made of it", async () => {
      otherAgent.throwIfEnded();
      const now = await token("ci", cluster);
      const kubeconfig = await world.field("secret", "ci-kubeconfig", ".data.kubeconfig", cluster);
      const copy = await token(`${cluster}-ci`, addonNamespace);
      const text = Buffer.from(now, "base64").toString();
      const isMade = Buffer.from(kubeconfig, "base64").toString().includes(text);
      return now !== "" && now !== before && copy === now && isMade;
    });
    assert.equal((await writtenByOthers("hub")).length, 2);
    const [onManaged, ...more] = await writtenByOthers("managed");
    assert.ok(onManaged?.has("serviceaccounts/token"));
    assert.deepEqual(more, []);
  });

  it("revoke as one when the addon is taken away", async () => {
    const manual = { installStrategy: { type: "Manual", placements: null } };
    await patch("clustermanagementaddon", addon, { spec: manual });
    const gone = ["managedclusteraddon", addon, `--namespace=${cluster}`, "--ignore-not-found"];
    await world.hub.kubectl(["delete", ...gone, "--wait=false"]);
    await waitFor("the end of both tokens", async () => {
      const reasons = await Promise.all(
        ["first", "ci"].map(async (name) => conditionOf(name, "TokenReported", "reason")),
      );
      const left = await Promise.all([
        token("first", cluster),
        token("ci", cluster),
        token(`${cluster}-ci`, addonNamespace),
        world.field("secret", "ci-kubeconfig", ".metadata.name", cluster),
        world.field("secret", `${cluster}.ci-argocd`, ".metadata.name", "argocd"),
      ]);
      return reasons.every((reason) => reason === "AddonRemoved") && left.join("") === "";
    });
    const secrets = (await writtenByOthers("hub")).filter((written) => written.has("secrets"));
    assert.ok(secrets.length > 0);
  });
});
