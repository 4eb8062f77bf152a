import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { findFreePorts, waitFor } from "#bed";
import { makeAccount } from "../../../e2e/bed/ocm/account.ts";
import { AddonHub } from "../../testdata/addon-hub.ts";
import { PodProcess } from "../../testdata/pod-process.ts";
import { readArgocdCluster } from "./argocd-format.ts";

const group = "authentication.open-cluster-management.io";
const agentNamespace = "open-cluster-management-agent-addon";
const passNamespace = "open-cluster-management-credentials";
const [gatewayPort] = await findFreePorts(1);

/** The whole way: the token agent, the hub controller and the gateway are processes of their own. */
describe("outputs of an account", { timeout: 300_000 }, () => {
  const until = async (what: string, isSo: () => Promise<boolean>): Promise<unknown> =>
    waitFor(what, isSo, { limitMs: 60_000, everyMs: 200 });
  const started = new AsyncDisposableStack();
  let world: AddonHub;
  /** The agent's own, on the hub. */
  let agentKubeconfig: string;

  before(async () => {
    world = started.use(await AddonHub.start("v1alpha1-and-v1beta1"));
    for (const name of ["argocd", "unnamed"])
      await world.hub.kubectl(["create", "namespace", name]);
    await world.install("cluster-gateway", {
      values: ["manualSecretManagement=true", "konnectivityEgress=false"],
    });
    const gatewayStarts = startGateway();
    await world.install("managed-serviceaccount", {
      values: ["outputs.namespaces={argocd}", "outputs.gateway.enabled=true"],
      given: [
        // The chart names one of them only, as somebody would who edits the Deployment.
        "--output-namespaces=argocd,unnamed",
        `--gateway-pass-namespace=${passNamespace}`,
        `--gateway-address=https://localhost:${gatewayPort}`,
      ],
    });
    await Promise.all([gatewayStarts, startAgent()]);
  });
  after(async () => started.disposeAsync());

  /** With an account of its own that may do nothing, so that nobody can pass for it. */
  async function startGateway(): Promise<void> {
    const { hub, managed } = world;
    const { server } = managed;
    const ca = await managed.kubectl([
      "config",
      "view",
      "--raw",
      "-o=jsonpath={..certificate-authority-data}",
    ]);
    const configs = [{ url: server, caBundle: ca }];
    const patch = JSON.stringify({ spec: { managedClusterClientConfigs: configs } });
    await hub.kubectl(["patch", "managedcluster", "managed1", "--type=merge", `-p=${patch}`]);
    await managed.kubectl(["create", "serviceaccount", "nobody"]);
    const token = (await managed.kubectl(["create", "token", "nobody"])).trim();
    const labels = { "cluster.core.oam.dev/cluster-credential-type": "ServiceAccountToken" };
    await hub.apply(
      JSON.stringify({
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "managed1", namespace: passNamespace, labels },
        stringData: { token },
      }),
    );
    const serving = ["secret", "cluster-gateway-tls-cert", ".data", "vela-system"] as const;
    await until("the gateway's certificate", async () => (await world.field(...serving)) !== "");
    const deployment = [
      "deployment",
      "gateway-deployment",
      ".metadata.name",
      "vela-system",
    ] as const;
    await until("the gateway", async () => (await world.field(...deployment)) !== "");
    const pod = started.use(await PodProcess.of(hub, "vela-system", "gateway-deployment"));
    const kubeconfig = await makeAccount(hub, "vela-system", "cluster-gateway");
    const program = pod.start([`--secure-port=${gatewayPort}`, `--kubeconfig=${kubeconfig}`]);
    // No kubelet says that the pod is there; the hub registers the gateway once it is.
    await world.pretendServing(
      "proxy.open-cluster-management.io/addon-name=cluster-gateway",
      "vela-system",
    );
    const registration = ["apiservice", "v1alpha1.cluster.core.oam.dev", ".spec.caBundle"] as const;
    await until("the registration", async () => {
      program.throwIfEnded();
      return (await world.field(...registration)) !== "";
    });
  }

  async function startAgent(): Promise<void> {
    const name = "managed-serviceaccount-addon-agent";
    const found = async (kind: string, of: string, path: string) =>
      (await world.managedField(kind, of, path, agentNamespace)) !== "";
    const credential = "managed-serviceaccount-hub-kubeconfig";
    await until("the agent", async () => found("deployment", name, ".metadata.name"));
    await until("its kubeconfig", async () => found("secret", credential, ".data.kubeconfig"));
    const pod = started.use(await PodProcess.of(world.managed, agentNamespace, name));
    agentKubeconfig = join(pod.directory, "etc", "hub", "kubeconfig");
    const spoke = await makeAccount(world.managed, agentNamespace, "managed-serviceaccount");
    pod.start([
      `--spoke-kubeconfig=${spoke}`,
      "--metrics-bind-address=0",
      "--health-probe-bind-address=0",
    ]);
  }

  const hub = async (...args: readonly string[]): Promise<string> =>
    (await world.hub.kubectl(args)).trim();
  const account = async (name: string, outputs: unknown): Promise<void> => {
    await world.hub.apply(
      JSON.stringify({
        apiVersion: `${group}/v1beta1`,
        kind: "ManagedServiceAccount",
        metadata: { name, namespace: "managed1" },
        spec: { rotation: { validity: "1h" }, outputs },
      }),
    );
  };
  const condition = async (name: string, field = "reason"): Promise<string> =>
    world.field(
      "managedserviceaccount",
      name,
      `.status.conditions[?(@.type=="OutputsReady")].${field}`,
      "managed1",
    );
  const untilReason = async (want: string, name: string): Promise<unknown> =>
    until(`${want} of ${name}`, async () => (await condition(name)) === want);
  const secretField = async (namespace: string, name: string, key: string): Promise<string> => {
    const encoded = await world.field("secret", name, `.data.${key}`, namespace);
    return Buffer.from(encoded, "base64").toString();
  };
  const exists = async (kind: string, namespace: string, name: string): Promise<boolean> =>
    (await world.field(kind, name, ".metadata.name", namespace)) !== "";
  const untilGone = async (kind: string, namespace: string, name: string): Promise<unknown> =>
    until(`the end of ${name}`, async () => !(await exists(kind, namespace, name)));

  /** What a person does with the Secret: write it to a file, and work with kubectl. */
  const kubectlWith = async (kubeconfig: string, ...args: readonly string[]): Promise<string> => {
    const file = join(world.hub.directory, "of-a-user.kubeconfig");
    await writeFile(file, kubeconfig);
    try {
      return (await world.hub.kubectl([`--kubeconfig=${file}`, ...args])).trim();
    } catch (error) {
      return String(error);
    }
  };
  const whoami = ["auth", "whoami", "-o=jsonpath={.status.userInfo.username}"] as const;
  const me = `system:serviceaccount:${agentNamespace}:ci`;

  it("gives a kubeconfig that leads kubectl through the gateway, as the account itself", async () => {
    await account("ci", { kubeconfig: {}, argocd: { namespace: "argocd", via: "Direct" } });
    const grant = `create clusterrolebinding ci --clusterrole=view --serviceaccount=${agentNamespace}:ci`;
    await world.managed.kubectl(grant.split(" "));
    await untilReason("OutputsWritten", "ci");
    const kubeconfig = await secretField("managed1", "ci-kubeconfig", "kubeconfig");
    assert.match(
      kubeconfig,
      new RegExp(`server: https://localhost:${gatewayPort}/apis/cluster.core.oam.dev/`),
    );
    await until("the pass", async () => (await kubectlWith(kubeconfig, ...whoami)) === me);
    assert.match(await kubectlWith(kubeconfig, "get", "namespaces"), /kube-system +Active/);
    const denied = await kubectlWith(kubeconfig, "create", "configmap", "a");
    assert.match(denied, new RegExp(`User "${me}" cannot create resource "configmaps"`));
  });

  it("declares the cluster to Argo CD by Argo CD's own rules, and what it says works", async () => {
    const secret = JSON.parse(
      await hub("get", "secret", "managed1.ci-argocd", "-n", "argocd", "-o=json"),
    );
    const { server, kubeconfig } = readArgocdCluster(secret);
    assert.equal(server, world.managed.server);
    assert.equal(await kubectlWith(kubeconfig, ...whoami), me);
  });

  it("follows a renewed token, and cuts off nobody who still has the old one", async () => {
    const before = await secretField("managed1", "ci-kubeconfig", "kubeconfig");
    await hub(
      "patch",
      "managedserviceaccount",
      "ci",
      "-n",
      "managed1",
      "--type=merge",
      '-p={"spec":{"rotation":{"validity":"2h"}}}',
    );
    await until(
      "another token",
      async () => (await secretField("managed1", "ci-kubeconfig", "kubeconfig")) !== before,
    );
    const token = await secretField("managed1", "ci", "token");
    const after = await secretField("managed1", "ci-kubeconfig", "kubeconfig");
    assert.ok(after.includes(token));
    await until("Argo CD's", async () =>
      (await secretField("argocd", "managed1.ci-argocd", "config")).includes(token),
    );
    for (const kubeconfig of [after, before]) {
      await until("the way through", async () => (await kubectlWith(kubeconfig, ...whoami)) === me);
    }
  });

  it("heals what somebody edits, and makes again what somebody deletes", async () => {
    const whole = await secretField("argocd", "managed1.ci-argocd", "config");
    const patch = '-p={"stringData":{"config":"{}"},"metadata":{"labels":null}}';
    await hub("patch", "secret", "managed1.ci-argocd", "-n", "argocd", "--type=merge", patch);
    await until(
      "the edit's end",
      async () => (await secretField("argocd", "managed1.ci-argocd", "config")) === whole,
    );
    const label = `.metadata.labels.argocd\\.argoproj\\.io/secret-type`;
    assert.equal(await world.field("secret", "managed1.ci-argocd", label, "argocd"), "cluster");
    await hub("delete", "secret", "ci-kubeconfig", "-n", "managed1");
    await until("the Secret", async () => exists("secret", "managed1", "ci-kubeconfig"));
  });

  it("leaves alone what others made, and says so", async () => {
    await hub("create", "secret", "generic", "theirs", "-n", "managed1", "--from-literal=a=1");
    await account("second", { kubeconfig: { secretName: "theirs", via: "Direct" } });
    await untilReason("SecretNotOurs", "second");
    assert.match(
      await condition("second", "message"),
      /Secret managed1\/theirs was made by others/,
    );
    assert.equal(await secretField("managed1", "theirs", "a"), "1");
    await until("the Event", async () =>
      /Warning +SecretNotOurs/.test(await hub("get", "events", "-n", "managed1")),
    );
  });

  it("lets the agent write the Secrets of accounts, and no others, whatever it asks the hub for", async () => {
    const asAgent = async (...args: readonly string[]): Promise<string> => {
      const flags = [`--kubeconfig=${agentKubeconfig}`, "-n=managed1", "--dry-run=server"];
      return world.hub.kubectl([...args, ...flags]).catch(String);
    };
    const patch = async (name: string) =>
      asAgent("patch", "secret", name, "--type=merge", '-p={"data":{"a":"eA=="}}');
    assert.match(await patch("ci"), /patched/);
    assert.match(await patch("theirs"), /made by others|of ManagedServiceAccounts only/);
    assert.match(
      await asAgent("create", "secret", "generic", "new"),
      /of ManagedServiceAccounts only/,
    );
    // Kubernetes would fill it with a token of the hub.
    const file = join(world.hub.directory, "filled.json");
    const annotations = { "kubernetes.io/service-account.name": "default" };
    const metadata = { name: "filled", namespace: "managed1", annotations };
    const type = "kubernetes.io/service-account-token";
    await writeFile(file, JSON.stringify({ apiVersion: "v1", kind: "Secret", type, metadata }));
    assert.match(await asAgent("create", `--filename=${file}`), /of type Opaque only/);
  });

  it("lets the first of two accounts have a name, and the second when the first goes", async () => {
    await account("second", { kubeconfig: { secretName: "shared", via: "Direct" } });
    await untilReason("OutputsWritten", "second");
    await account("third", { kubeconfig: { secretName: "shared", via: "Direct" } });
    await untilReason("SecretTaken", "third");
    await hub("delete", "managedserviceaccount", "second", "-n", "managed1");
    await untilReason("OutputsWritten", "third");
  });

  it("refuses a namespace that the administrator has not opened, and a second Argo CD cluster of one server", async () => {
    await account("third", { argocd: { namespace: "default", via: "Direct" } });
    await untilReason("NamespaceNotAllowed", "third");
    await untilGone("secret", "managed1", "shared");
    await account("third", { argocd: { namespace: "argocd", via: "Direct" } });
    await untilReason("ServerTaken", "third");
  });

  it("is kept by the hub from a namespace that the chart does not name, and says which value does", async () => {
    await account("third", { argocd: { namespace: "unnamed", via: "Direct" } });
    await untilReason("OutputFailed", "third");
    assert.match(
      await condition("third", "message"),
      /spec\.outputs\.argocd: .*namespace unnamed is .*add it to outputs\.namespaces/,
    );
    assert.equal(await exists("secret", "unnamed", "managed1.third-argocd"), false);
    await account("third", { argocd: { namespace: "argocd", via: "Direct" } });
    await untilReason("ServerTaken", "third");
  });

  it("takes everything back with the field, at the gateway too", async () => {
    const kubeconfig = await secretField("managed1", "ci-kubeconfig", "kubeconfig");
    await hub(
      "patch",
      "managedserviceaccount",
      "ci",
      "-n",
      "managed1",
      "--type=json",
      '-p=[{"op":"remove","path":"/spec/outputs/kubeconfig"}]',
    );
    await untilGone("secret", "managed1", "ci-kubeconfig");
    await untilGone("configmap", passNamespace, "managed1.ci");
    await until("the refusal", async () =>
      /You must be logged in to the server/.test(await kubectlWith(kubeconfig, ...whoami)),
    );
    await untilReason("OutputsWritten", "ci");
  });

  it("takes everything back with the account, in other namespaces too", async () => {
    await hub("delete", "managedserviceaccount", "ci", "-n", "managed1");
    await untilGone("secret", "argocd", "managed1.ci-argocd");
    await untilReason("OutputsWritten", "third");
  });

  it("takes everything back with the addon", async () => {
    await hub(
      "patch",
      "clustermanagementaddon",
      "managed-serviceaccount",
      "--type=merge",
      '-p={"spec":{"installStrategy":{"type":"Manual","placements":null}}}',
    );
    await hub(
      "delete",
      "managedclusteraddon",
      "managed-serviceaccount",
      "-n",
      "managed1",
      "--wait=false",
      "--ignore-not-found",
    );
    await untilGone("secret", "argocd", "managed1.third-argocd");
    await untilReason("AddonRemoved", "third");
    // An agent that still has its rights writes as well, so that two may meet again and again.
    const expected = ["namespace unnamed", "the object has been modified"];
    const errors = world.log.split("\n").filter((line) => line.includes('"level":"error"'));
    assert.deepEqual(
      errors.filter((line) => !expected.some((text) => line.includes(text))),
      [],
    );
  });
});
