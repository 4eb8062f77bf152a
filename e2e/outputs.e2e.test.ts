/** What an account gives its consumers beside a token: used by a real kubectl, fresh, and gone with it. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Secret } from "#api";
import { type FullBed, findFullBed, waitFor } from "#bed";
import { readArgocdCluster } from "../controllers/managed-serviceaccount/outputs/argocd-format.ts";
import { certificatePath } from "./bed/cluster-plan.ts";
import { ConsumerPod } from "./support/consumer-pod.ts";
import {
  checkout,
  hubKubeconfig,
  kubectl,
  kubectlJson,
  managedKubeconfig,
  tryKubectl,
} from "./support/hub.ts";
import { releaseNamespace, untilRolled, upgradeRelease } from "./support/releases.ts";
import { parseTable } from "./support/table.ts";
import { keepKubeconfig } from "./support/users.ts";

const team = "e2e-team";
const argocd = "e2e-argocd";
const group = "authentication.open-cluster-management.io";
const manager = { namespace: releaseNamespace, name: "managed-serviceaccount-addon-manager" };
const agent = {
  namespace: "open-cluster-management-agent-addon",
  name: "managed-serviceaccount-addon-agent",
  kubeconfig: managedKubeconfig,
};
const me = `system:serviceaccount:${agent.namespace}:e2e-ci`;
const resource = ["managedserviceaccount", "e2e-ci"] as const;
const passes = "open-cluster-management-credentials";
const whoami = ["auth", "whoami", "-o=jsonpath={.status.userInfo.username}"] as const;

const settings = [
  "permissionPolicy[0].clusterRoles={view}",
  "permissionPolicy[0].clusterWide=true",
  `outputs.namespaces={${argocd}}`,
  "outputs.gateway.enabled=true",
  "featureGates.clusterProfile=true",
  `clusterProfileNamespaces={${team}}`,
];

const namespaces = `
apiVersion: v1
kind: Namespace
metadata: {name: ${argocd}}
---
apiVersion: v1
kind: Namespace
metadata: {name: ${team}}
---
apiVersion: cluster.open-cluster-management.io/v1beta2
kind: ManagedClusterSetBinding
metadata: {name: global, namespace: ${team}}
spec: {clusterSet: global}
`;

const account = `
apiVersion: ${group}/v1beta1
kind: ManagedServiceAccount
metadata:
  name: e2e-ci
  namespace: managed1
  labels: {${group}/sync-to-clusterprofile: "true"}
spec:
  rotation: {validity: 1h}
  permissions: [{preset: view}]
  outputs:
    kubeconfig: {contextNamespace: kube-system}
    argocd: {namespace: ${argocd}}
`;

const set = (preset: string): string => `
apiVersion: ${group}/v1alpha1
kind: ManagedServiceAccountSet
metadata: {name: e2e-all, namespace: ${releaseNamespace}}
spec:
  placementRef: {name: global}
  template:
    spec: {rotation: {validity: 1h}, permissions: [{preset: ${preset}}]}
`;

/** An entry of a ClusterProfile. */
interface AccessProvider {
  readonly name: string;
  readonly cluster: { readonly server: string };
}

describe("what an account gives its consumers", () => {
  let bed: FullBed;
  let consumer: ConsumerPod;

  before(async () => {
    bed = await findFullBed();
    await apply(namespaces);
    await upgradeRelease("managed-serviceaccount", settings);
    await untilRolled(manager, 1);
    await waitFor("the agent with the policy", async () => {
      const path = "{.spec.template.spec.containers[0].args}";
      const args = await field(agent.namespace, "deploy", agent.name, path, managedKubeconfig);
      return args.includes("--permission-policy=");
    });
    await untilRolled(agent, 1);
    consumer = await ConsumerPod.start(bed, team);
    await apply(account);
    await waitFor("an account of which all is true", async () => {
      const statuses = await field("managed1", ...resource, "{.status.conditions[*].status}");
      return statuses === "True True True True";
    });
  });

  after(async () => {
    await kubectl(["-n", "managed1", "delete", ...resource, "--ignore-not-found"]);
    const sets = ["delete", "managedserviceaccountset", "e2e-all", "--ignore-not-found"];
    await kubectl(["-n", releaseNamespace, ...sets]);
    await patchEndpoints(null);
    await waitFor("the end of all outputs", async () => (await outputs()) === "");
    await consumer[Symbol.asyncDispose]();
    await kubectl(["delete", "ns", team, argocd, "--wait=false"]);
    await upgradeRelease("managed-serviceaccount");
    await untilRolled(manager, 1);
    for (const { api } of [bed.hub, ...bed.managed]) api.close();
  });

  async function apply(input: string): Promise<void> {
    await kubectl(["apply", "-f", "-"], { input });
  }

  /** One field of an object, empty when there is none. */
  async function field(
    namespace: string,
    kind: string,
    name: string,
    path: string,
    kubeconfig?: string,
  ): Promise<string> {
    const args = ["-n", namespace, "get", kind, name, "--ignore-not-found", `-o=jsonpath=${path}`];
    return kubectl(args, kubeconfig === undefined ? {} : { kubeconfig });
  }

  async function secret(namespace: string, name: string, key: string): Promise<string> {
    const encoded = await field(namespace, "secret", name, `{.data.${key}}`);
    return Buffer.from(encoded, "base64").toString();
  }

  /** All that is made of the account beside its token, by name. */
  async function outputs(): Promise<string> {
    const found = await Promise.all([
      field("managed1", "secret", "e2e-ci-kubeconfig", "{.metadata.name}"),
      field(argocd, "secret", "managed1.e2e-ci-argocd", "{.metadata.name}"),
      field(team, "secret", "managed1-e2e-ci", "{.metadata.name}"),
      field(passes, "configmap", "managed1.e2e-ci", "{.metadata.name}"),
    ]);
    return found.filter((name) => name !== "").join();
  }

  async function kubeconfigOfOutput(): Promise<string> {
    return secret("managed1", "e2e-ci-kubeconfig", "kubeconfig");
  }

  async function kubeconfigOfArgocd(): Promise<string> {
    const found = await kubectlJson(["-n", argocd, "get", "secret", "managed1.e2e-ci-argocd"]);
    return readArgocdCluster(found as Secret).kubeconfig;
  }

  /** The way to managed1 as the team's ClusterProfile says it. */
  async function provider(): Promise<AccessProvider["cluster"] | undefined> {
    const list = await field(team, "clusterprofile", "managed1", "{.status.accessProviders}");
    const providers = JSON.parse(list || "[]") as readonly AccessProvider[];
    return providers.find(({ name }) => name === "open-cluster-management")?.cluster;
  }

  /** A kubeconfig without a secret in it: that way, and the credential plugin. */
  async function kubeconfigOfProfile(command: string, ...args: readonly string[]): Promise<string> {
    const cluster = await waitFor("the way to managed1", provider);
    const exec = {
      apiVersion: "client.authentication.k8s.io/v1",
      command,
      args: [...args, "--managed-serviceaccount=e2e-ci", `--namespace=${team}`],
      provideClusterInfo: true,
      interactiveMode: "Never",
    };
    const name = "managed1";
    return JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name, cluster }],
      users: [{ name, user: { exec } }],
      contexts: [{ name, context: { cluster: name, user: name } }],
      "current-context": name,
    });
  }

  /** What managed1 takes the holder of the kubeconfig for, or why it does not. */
  async function whoInPod(kubeconfig: string): Promise<string> {
    const { stdout, stderr } = await consumer.kubectl(kubeconfig, whoami);
    return stdout || stderr;
  }

  async function untilWorksInPod(kubeconfig: string): Promise<void> {
    // Passes come to the gateway, and copies to the team, each by a watch of its own.
    await waitFor("the way through the gateway", async () => (await whoInPod(kubeconfig)) === me);
  }

  async function whoHere(name: string, kubeconfig: string): Promise<string> {
    const file = await keepKubeconfig(bed.hub, name, kubeconfig);
    const { stdout, stderr } = await tryKubectl(whoami, { kubeconfig: file });
    return stdout || stderr;
  }

  async function patchAccount(spec: object): Promise<void> {
    const patch = `--patch=${JSON.stringify({ spec })}`;
    await kubectl(["-n", "managed1", "patch", ...resource, "--type=merge", patch]);
  }

  async function patchEndpoints(managedClusterClientConfigs: readonly object[] | null) {
    const patch = `--patch=${JSON.stringify({ spec: { managedClusterClientConfigs } })}`;
    await kubectl(["patch", "managedcluster", "managed1", "--type=merge", patch]);
  }

  it("is a kubeconfig that leads kubectl in a pod of the hub through the gateway, with the account's rights", async () => {
    const kubeconfig = await kubeconfigOfOutput();
    assert.match(kubeconfig, /server: https:\/\/cluster-gateway\.vela-system\.svc:9443\//);
    await untilWorksInPod(kubeconfig);
    const pods = await consumer.kubectl(kubeconfig, ["get", "pods"]);
    assert.match(pods.stdout, /coredns-\S+ +1\/1 +Running/, pods.stderr);
    const denied = await consumer.kubectl(kubeconfig, ["get", "secrets"]);
    assert.match(denied.stderr, new RegExp(`User "${me}" cannot list resource "secrets"`));
  });

  it("is a cluster of Argo CD, which reaches it with what stands there", async () => {
    await untilWorksInPod(await kubeconfigOfArgocd());
  });

  it("is a way in a ClusterProfile, which kubectl takes by cp-creds as the image has it", async () => {
    await untilWorksInPod(await kubeconfigOfProfile("node", "/app/cp-creds.mjs"));
  });

  it("is made anew with a new token, and who has the old one is not cut off", async () => {
    const before = await Promise.all([kubeconfigOfOutput(), kubeconfigOfArgocd()]);
    const old = await secret("managed1", "e2e-ci", "token");
    await patchAccount({ rotation: { validity: "2h" } });
    const after = await waitFor("the new token everywhere", async () => {
      const token = await secret("managed1", "e2e-ci", "token");
      const made = await Promise.all([kubeconfigOfOutput(), kubeconfigOfArgocd()]);
      const copy = await secret(team, "managed1-e2e-ci", "token");
      const isEverywhere = [...made, copy].every((text) => text.includes(token));
      return token !== old && isEverywhere && made;
    });
    for (const kubeconfig of [...after, ...before]) await untilWorksInPod(kubeconfig);
    await untilWorksInPod(await kubeconfigOfProfile("node", "/app/cp-creds.mjs"));
  });

  it("leads straight to the cluster where its address is known", async () => {
    const managed = bed.managed[0] ?? assert.fail("no managed cluster");
    const caBundle = (await readFile(certificatePath(managed.plan, "ca"))).toString("base64");
    await patchEndpoints([{ url: managed.api.server, caBundle }]);
    await patchAccount({ outputs: { kubeconfig: { via: "Direct" } } });
    const server = `server: ${managed.api.server}`;
    const kubeconfig = await waitFor("a kubeconfig that leads there", async () => {
      const text = await kubeconfigOfOutput();
      return text.includes(server) && text;
    });
    assert.equal(await whoHere("direct", kubeconfig), me);
    await waitFor("the same in the ClusterProfile", async () => {
      return (await provider())?.server === managed.api.server;
    });
    const plugin = [join(checkout, "cmd", "cp-creds.ts"), `--kubeconfig=${hubKubeconfig}`];
    assert.equal(
      await whoHere("profile", await kubeconfigOfProfile(process.execPath, ...plugin)),
      me,
    );
  });

  it("goes with the account, and what was handed out is worth nothing", async () => {
    const [ofGateway, direct] = await Promise.all([kubeconfigOfArgocd(), kubeconfigOfOutput()]);
    await kubectl(["-n", "managed1", "delete", ...resource]);
    await waitFor("the end of all outputs", async () => (await outputs()) === "");
    const refused = /You must be logged in to the server|Unauthorized/;
    await waitFor("the refusal, on both ways", async () => {
      const answers = await Promise.all([whoInPod(ofGateway), whoHere("direct", direct)]);
      return answers.every((answer) => refused.test(answer));
    });
  });

  it("is told for many clusters by kubectl: how many are ready, which is not, and why", async () => {
    const row = async () => {
      const get = ["-n", releaseNamespace, "get", "managedserviceaccountset", "e2e-all"];
      return parseTable(await kubectl(get))[0] ?? {};
    };
    await apply(set("edit"));
    await waitFor("the one that is not ready", async () => {
      const { READY, PLACEMENT, WHY } = await row();
      const told = [READY, PLACEMENT].join(" ");
      return told === "0/1 global" && /managed1: .*ClusterRole edit/.test(WHY ?? "");
    });
    await apply(set("view"));
    await waitFor("all ready", async () => (await row())["READY"] === "1/1");
  });
});
