import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { waitFor } from "#bed";
import { AddonHub, addonNamespace } from "../../testdata/addon-hub.ts";
import { PodProcess } from "../../testdata/pod-process.ts";
import { type AccessCluster, Consumer, podKubeconfig } from "./testdata/consumer.ts";

const cluster = "managed1";
const team = "team-a";
const agentNamespace = "open-cluster-management-agent-addon";
const group = "authentication.open-cluster-management.io";
const gates = "--feature-gates=ClusterProfile=true,EphemeralIdentity=true";
const passNamespace = "open-cluster-management-credentials";
const pluginFlags = [
  "--managed-serviceaccount=reader",
  `--namespace=${team}`,
  "--kubeconfig=HUB",
] as const;

/** OCM makes the ClusterProfiles, the chart's controller and its agent do the rest. */
describe("ClusterProfiles", { timeout: 300_000 }, () => {
  let world: AddonHub;
  let agent: PodProcess;
  let consumer: Consumer;

  before(
    async () => {
      world = await AddonHub.start("v1alpha1-and-v1beta1", { clusterProfiles: true });
      await world.hub.apply(manifests);
      const url = world.managed.server;
      const caBundle = (await readFile(world.managed.caPath)).toString("base64");
      const spec = { managedClusterClientConfigs: [{ url, caBundle }] };
      await patch("managedcluster", cluster, { spec });
      await world.install("managed-serviceaccount", {
        values: [
          "featureGates.clusterProfile=true",
          "featureGates.ephemeralIdentity=true",
          `clusterProfileNamespaces={${team},team-b}`,
          "outputs.gateway.enabled=true",
        ],
        given: [
          gates,
          `--cluster-profile-namespaces=${team},team-b`,
          `--gateway-pass-namespace=${passNamespace}`,
          "--gateway-address=https://gateway.example",
        ],
      });
      const kubeconfig = ["secret", "managed-serviceaccount-hub-kubeconfig"] as const;
      const deployment = ["deployment", "managed-serviceaccount-addon-agent"] as const;
      for (const [kind, name] of [kubeconfig, deployment]) {
        await waitFor(`${kind} ${name}`, async () => {
          const found = await world.managedField(kind, name, ".metadata.name", agentNamespace);
          return found !== "";
        });
      }
      agent = await PodProcess.of(world.managed, agentNamespace, deployment[1]);
      const account = "managed-serviceaccount";
      agent.start([
        `--spoke-kubeconfig=${await podKubeconfig(world.managed, agentNamespace, account)}`,
        "--health-probe-bind-address=0",
        "--metrics-bind-address=0",
      ]);
      consumer = await Consumer.of(world.hub, team);
    },
    { timeout: 240_000 },
  );
  after(async () => {
    await consumer[Symbol.asyncDispose]();
    await agent[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  const patch = async (kind: string, name: string, change: object, ...flags: readonly string[]) =>
    world.hub.kubectl([
      "patch",
      kind,
      name,
      "--type=merge",
      `--patch=${JSON.stringify(change)}`,
      ...flags,
    ]);
  const createAccount = async (name: string, parts: object = {}): Promise<void> => {
    const labels = { [`${group}/sync-to-clusterprofile`]: "true" };
    const metadata = { name, namespace: cluster, labels };
    const account = {
      apiVersion: `${group}/v1beta1`,
      kind: "ManagedServiceAccount",
      metadata,
      spec: { rotation: { validity: "1h" }, ...parts },
    };
    await world.hub.apply(JSON.stringify(account));
  };
  const token = async (name: string, namespace: string): Promise<string> =>
    decode(await world.field("secret", name, ".data.token", namespace));
  const copied = async (name: string): Promise<string> =>
    waitFor(`the copy of ${name}'s token`, async () => {
      const [copy, source] = await Promise.all([
        token(`${cluster}-${name}`, team),
        token(name, cluster),
      ]);
      return copy !== "" && copy === source && copy;
    });
  const access = async (namespace: string): Promise<AccessCluster | undefined> => {
    const list = await world.field("clusterprofile", cluster, ".status.accessProviders", namespace);
    const providers = JSON.parse(list || "[]") as readonly { name: string; cluster: object }[];
    return providers.find(({ name }) => name === "open-cluster-management")?.cluster as
      | AccessCluster
      | undefined;
  };
  const event = async (namespace: string, reason: string): Promise<string> =>
    waitFor(`the event ${reason}`, async () => {
      const selector = `--field-selector=reason=${reason}`;
      const path = "--output=jsonpath={.items[*].message}";
      const events = ["get", "events", `--namespace=${namespace}`, selector, path];
      return (await world.hub.kubectl(events)) || false;
    });

  it("say how the cluster is reached, wherever OCM has bound it", async () => {
    for (const namespace of [team, addonNamespace]) {
      const found = await waitFor(`access in ${namespace}`, async () => access(namespace));
      assert.equal(found["server"], world.managed.server);
    }
  });

  it("get a copy of the token that is labelled for them, in the shape that consumers know", async () => {
    await createAccount("reader");
    await copied("reader");
    const copy = await world.field("secret", `${cluster}-reader`, "", team);
    const { metadata, type, data } = JSON.parse(copy) as {
      metadata: { labels: object; ownerReferences: readonly object[] };
      type: string;
      data: object;
    };
    assert.deepEqual(metadata.labels, { [`${group}/synced-from`]: `${cluster}-reader` });
    const uid = await world.field("clusterprofile", cluster, ".metadata.uid", team);
    const owner = { apiVersion: "multicluster.x-k8s.io/v1alpha1", kind: "ClusterProfile" };
    assert.deepEqual(metadata.ownerReferences, [
      { ...owner, name: cluster, uid, controller: true },
    ]);
    assert.deepEqual([type, Object.keys(data).toSorted()], ["Opaque", ["ca.crt", "token"]]);
  });

  it("let kubectl work on the cluster, with nothing in its kubeconfig but cp-creds", async () => {
    const grant = "create clusterrolebinding reader --clusterrole=view";
    const subject = `--serviceaccount=${agentNamespace}:reader`;
    await world.managed.kubectl([...grant.split(" "), subject]);
    const provider = await access(team);
    assert.ok(provider !== undefined);
    const who = await consumer.kubectl(provider, pluginFlags, ["auth", "whoami", "-o=json"]);
    assert.equal(who.code, 0, who.stderr);
    assert.match(who.stdout, new RegExp(`system:serviceaccount:${agentNamespace}:reader`));
    const pods = await consumer.kubectl(provider, pluginFlags, ["get", "pods", "-A"]);
    assert.equal(pods.code, 0, pods.stderr);
  });

  it("answer with the end of the token, which the account reports too", async () => {
    const provider = await access(team);
    assert.ok(provider !== undefined);
    const flags = pluginFlags.slice(0, 2);
    const { stdout, code } = await consumer.plugin(provider, flags);
    assert.equal(code, 0);
    const { apiVersion, kind, status } = JSON.parse(stdout) as Record<string, object>;
    assert.deepEqual([apiVersion, kind], ["client.authentication.k8s.io/v1", "ExecCredential"]);
    const { token: given, expirationTimestamp } = status as Record<string, string>;
    assert.equal(given, await copied("reader"));
    const path = ".status.expirationTimestamp";
    const reported = await world.field("managedserviceaccount", "reader", path, cluster);
    assert.ok(Math.abs(Date.parse(expirationTimestamp ?? "") - Date.parse(reported)) <= 2_000);
  });

  it("follow the token when it changes, and an edit of the copy is undone", async () => {
    const first = await copied("reader");
    await world.hub.kubectl(["delete", "secret", "reader", `--namespace=${cluster}`]);
    await waitFor("another token", async () => {
      const second = await token(`${cluster}-reader`, team);
      return second !== first && second === (await token("reader", cluster));
    });
    const provider = (await access(team)) ?? {};
    const works = await consumer.kubectl(provider, pluginFlags, ["get", "pods"]);
    assert.equal(works.code, 0, works.stderr);
    await patch("secret", `${cluster}-reader`, { data: { token: "eA==" } }, `--namespace=${team}`);
    await copied("reader");
  });

  it("keep ways of access that others give", async () => {
    const other = { name: "other", cluster: { server: "https://other.example" } };
    const path = ".status.accessProviders";
    const before = await world.field("clusterprofile", cluster, path, team);
    const accessProviders = [other, ...(JSON.parse(before) as object[])];
    const flags = ["--subresource=status", `--namespace=${team}`];
    await patch("clusterprofile", cluster, { status: { accessProviders } }, ...flags);
    await patch("managedcluster", cluster, { metadata: { labels: { touched: "true" } } });
    await patch("clusterprofile", cluster, { status: { accessProviders: [other] } }, ...flags);
    await waitFor("our entry again", async () => access(team));
    const names = await world.field("clusterprofile", cluster, `${path}[*].name`, team);
    assert.equal(names, "other open-cluster-management");
  });

  it("give nothing to a namespace that OCM has not bound, though somebody made a profile", async () => {
    await world.hub.apply(forged);
    assert.match(await event("team-b", "ClusterNotBound"), /No bound ManagedClusterSetBinding/);
    assert.equal(await access("team-b"), undefined);
    assert.equal(await token(`${cluster}-reader`, "team-b"), "");
  });

  it("give no token to a bound namespace that the administrator has not named", async () => {
    assert.match(await event(addonNamespace, "CredentialsHeldBack"), /none of those that get/);
    assert.equal(await token(`${cluster}-reader`, addonNamespace), "");
  });

  it("leave a Secret alone that others made", async () => {
    const name = `${cluster}-other`;
    await world.hub.kubectl([
      ...`create secret generic ${name} --from-literal=token=mine`.split(" "),
      `--namespace=${team}`,
    ]);
    await createAccount("other");
    assert.match(
      await event(team, "SecretNotOurs"),
      new RegExp(`Secret ${team}/${name} was made by`),
    );
    assert.equal(await token(name, team), "mine");
    await world.hub.kubectl(["delete", "secret", name, `--namespace=${team}`]);
    await patch("clusterprofile", cluster, { spec: { displayName: "x" } }, `--namespace=${team}`);
    await copied("other");
  });

  it("take the copy away with the label, and cp-creds says what is missing", async () => {
    const label = `${group}/sync-to-clusterprofile-`;
    await world.hub.kubectl(["label", "managedserviceaccount", "reader", label, "-n", cluster]);
    await waitFor("the end of the copy", async () => {
      return (await token(`${cluster}-reader`, team)) === "";
    });
    const provider = (await access(team)) ?? {};
    const { code, stderr } = await consumer.kubectl(provider, pluginFlags, ["get", "pods"]);
    assert.notEqual(code, 0);
    const says = new RegExp(
      `failed to get synced credential secret ${team}/${cluster}-reader: .*label`,
    );
    assert.match(stderr, says);
  });

  it("are told by cp-creds what else is in the way", async () => {
    const provider = (await access(team)) ?? {};
    const elsewhere = ["--managed-serviceaccount=other", "--namespace=team-b", "--kubeconfig=HUB"];
    const forbidden = await consumer.kubectl(provider, elsewhere, ["get", "pods"]);
    assert.match(forbidden.stderr, /team-b\/managed1-other: .*forbidden.*needs the verb get/s);
    const itself = await consumer.kubectl(provider, pluginFlags.slice(0, 2), ["get", "pods"]);
    assert.match(itself.stderr, /called by itself: .*--kubeconfig/);
  });

  it("lose their copies with the account, also one whose life ends by itself", async () => {
    await createAccount("brief", { ttlSecondsAfterCreation: 4 });
    await copied("brief");
    await waitFor("the end of the account", async () => {
      const path = ".metadata.name";
      return (await world.field("managedserviceaccount", "brief", path, cluster)) === "";
    });
    await waitFor("the end of the copy", async () => {
      return (await token(`${cluster}-brief`, team)) === "";
    });
    const role = ["role", "managed-serviceaccount-addon-agent", ".rules", cluster] as const;
    assert.match(await world.field(...role), /"delete"/);
  });

  it("lead through the gateway where the cluster has no address, with a pass for its tokens", async () => {
    await copied("other");
    await waitFor("the pass of account other", async () => {
      const tokens = await world.field(
        "configmap",
        `${cluster}.other`,
        ".data.tokens",
        passNamespace,
      );
      return tokens.startsWith(hash("sha256", await token("other", cluster), "hex"));
    });
    await world.hub.apply(registration);
    await patch("managedcluster", cluster, { spec: { managedClusterClientConfigs: null } });
    const path = "/apis/cluster.core.oam.dev/v1alpha1/clustergateways/managed1/proxy";
    const found = await waitFor("the way through the gateway", async () => {
      const way = await access(team);
      return way?.["server"] === `https://gateway.example${path}` && way;
    });
    assert.equal(found["tls-server-name"], "cluster-gateway.vela-system.svc");
    await world.hub.kubectl(["delete", "apiservice", "v1alpha1.cluster.core.oam.dev"]);
    await waitFor("no way any more", async () => (await access(team)) === undefined);
  });

  it("show no token in a log", async () => {
    const tail = (await copied("other")).slice(-40);
    assert.ok(!world.log.includes(tail));
    assert.ok(world.log.includes("Token copied beside a ClusterProfile"));
  });
});

const decode = (text: string): string => Buffer.from(text, "base64").toString("utf8");

const manifests = `
apiVersion: v1
kind: Namespace
metadata: {name: ${team}}
---
apiVersion: v1
kind: Namespace
metadata: {name: team-b}
---
apiVersion: v1
kind: Namespace
metadata: {name: ${passNamespace}}
---
apiVersion: cluster.open-cluster-management.io/v1beta2
kind: ManagedClusterSetBinding
metadata: {name: global, namespace: ${team}}
spec: {clusterSet: global}
`;

/** As the addon cluster-gateway registers it; nobody is there. */
const registration = `
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1alpha1.cluster.core.oam.dev}
spec:
  group: cluster.core.oam.dev
  version: v1alpha1
  groupPriorityMinimum: 5000
  versionPriority: 10
  caBundle: ${Buffer.from("nobody").toString("base64")}
  service: {name: cluster-gateway, namespace: vela-system, port: 9443}
`;

/** What anybody who may write ClusterProfiles in a namespace can make. */
const forged = `
apiVersion: multicluster.x-k8s.io/v1alpha1
kind: ClusterProfile
metadata:
  name: ${cluster}
  namespace: team-b
  labels:
    x-k8s.io/cluster-manager: open-cluster-management
    open-cluster-management.io/cluster-name: ${cluster}
spec: {clusterManager: {name: open-cluster-management}}
`;
