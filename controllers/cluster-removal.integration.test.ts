import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { type ChildProgram, waitFor } from "#bed";
import { makeAccount } from "../e2e/bed/ocm/account.ts";
import { AddonHub, addonNamespace, releaseNames } from "./testdata/addon-hub.ts";
import { PodProcess } from "./testdata/pod-process.ts";

const cluster = "managed1";
const credentials = "open-cluster-management-credentials";
const agents = "open-cluster-management-agent-addon";
const agentName = "managed-serviceaccount-addon-agent";
const group = "authentication.open-cluster-management.io";

/** All that accounts can have on a hub. */
const settings = {
  values: [
    "outputs.namespaces={argocd}",
    "featureGates.clusterProfile=true",
    "clusterProfileNamespaces={*}",
    '--set-json=permissionPolicy=[{"clusterRoles":["view"],"clusterWide":true}]',
  ],
  given: [
    "--output-namespaces=argocd",
    "--feature-gates=ClusterProfile=true",
    "--cluster-profile-namespaces=*",
    '--permission-policy=[{"clusterRoles":["view"],"clusterWide":true}]',
  ],
};

describe("a cluster that is removed from the hub", { timeout: 420_000 }, () => {
  const started = new AsyncDisposableStack();
  let world: AddonHub;
  let agent: ChildProgram;

  before(
    async () => {
      world = started.use(await AddonHub.start("v1alpha1-and-v1beta1", { clusterProfiles: true }));
      await world.hub.kubectl(["create", "namespace", "argocd"]);
      for (const release of releaseNames) {
        await world.install(release, release === "managed-serviceaccount" ? settings : {});
      }
      for (const name of releaseNames) {
        const applied = '.status.conditions[?(@.type=="ManifestApplied")].status';
        await world.untilField("True", "managedclusteraddon", name, applied, cluster);
      }
      agent = await startAgent();
    },
    { timeout: 300_000 },
  );
  after(async () => started.disposeAsync());

  async function startAgent(): Promise<ChildProgram> {
    const credential = "managed-serviceaccount-hub-kubeconfig";
    await waitFor("the agent and its credential", async () => {
      const found = await Promise.all([
        world.managedField("deployment", agentName, ".metadata.name", agents),
        world.managedField("secret", credential, ".data.kubeconfig", agents),
      ]);
      return found.every((text) => text !== "");
    });
    const pod = started.use(await PodProcess.of(world.managed, agents, agentName));
    const spoke = await makeAccount(world.managed, agents, "managed-serviceaccount");
    return pod.start([
      `--spoke-kubeconfig=${spoke}`,
      "--health-probe-bind-address=0",
      "--metrics-bind-address=0",
    ]);
  }

  /** An account with all that can be made of it. */
  async function createAccount(): Promise<void> {
    const caBundle = (await readFile(world.managed.caPath)).toString("base64");
    const configs = [{ url: world.managed.server, caBundle }];
    const patch = JSON.stringify({ spec: { managedClusterClientConfigs: configs } });
    await world.hub.kubectl(["patch", "managedcluster", cluster, "--type=merge", `-p=${patch}`]);
    await world.hub.apply(
      JSON.stringify({
        apiVersion: `${group}/v1beta1`,
        kind: "ManagedServiceAccount",
        metadata: {
          name: "ci",
          namespace: cluster,
          labels: { [`${group}/sync-to-clusterprofile`]: "true" },
        },
        spec: {
          rotation: { validity: "1h" },
          permissions: [{ preset: "view" }],
          outputs: {
            kubeconfig: { via: "Direct" },
            argocd: { namespace: "argocd", via: "Direct" },
          },
        },
      }),
    );
  }

  const access = async (): Promise<string> =>
    world.field("clusterprofile", cluster, ".status.accessProviders", addonNamespace);
  /** What holds the account's token, and where. */
  const made = [
    ["secret", "ci", cluster],
    ["secret", "ci-kubeconfig", cluster],
    ["secret", `${cluster}.ci-argocd`, "argocd"],
    ["secret", `${cluster}-ci`, addonNamespace],
  ] as const;
  const found = async (): Promise<readonly string[]> =>
    Promise.all(
      made.map(async ([kind, name, namespace]) =>
        world.field(kind, name, ".metadata.name", namespace),
      ),
    );
  const whoIs = async (token: string): Promise<string> => {
    const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec: { token } };
    const path = "/apis/authentication.k8s.io/v1/tokenreviews";
    const answer = await world.managed.api.send({ method: "POST", path, body });
    const { status } = answer.body as { status?: { user?: { username?: string } } };
    return status?.user?.username ?? "";
  };
  const ours = `-l=${group}/is-managed-serviceaccount=true`;

  it("leaves nothing usable behind", async () => {
    const data = { token: Buffer.from("t").toString("base64"), "ca.crt": "Q0E=" };
    const metadata = { name: "cluster-gateway", namespace: cluster };
    await createAccount();
    await waitFor("all that belongs to the account", async () => {
      agent.throwIfEnded();
      return [...(await found()), await access()].every((text) => text !== "");
    });
    const encoded = await world.field("secret", "ci", ".data.token", cluster);
    const token = Buffer.from(encoded, "base64").toString();
    assert.equal(await whoIs(token), `system:serviceaccount:${agents}:ci`);
    await world.hub.apply(JSON.stringify({ apiVersion: "v1", kind: "Secret", metadata, data }));
    await waitFor("a credential of the gateway", async () => {
      return (await world.field("secret", cluster, ".data.token", credentials)) !== "";
    });
    await world.hub.kubectl(["delete", "managedcluster", cluster, "--wait=false"]);
    const gone = [
      ["managedclusteraddon", "cluster-gateway", cluster],
      ["managedclusteraddon", "cluster-proxy", cluster],
      ["managedclusteraddon", "managed-serviceaccount", cluster],
      ["manifestwork", "addon-cluster-proxy-deploy-0", cluster],
      ["rolebinding", "cluster-proxy-addon-agent", cluster],
      ["rolebinding", "managed-serviceaccount-addon-agent", cluster],
      ["managedserviceaccount", "cluster-gateway", cluster],
      ["secret", cluster, credentials],
    ] as const;
    for (const [kind, name, namespace] of gone) {
      await world.untilField("", kind, name, ".metadata.name", namespace);
    }
    await waitFor("the agent to go", async () => {
      return (await world.managedField("deployment", agentName, ".metadata.name", agents)) === "";
    });
    await waitFor("the end of all that held a token", async () => {
      return (await found()).every((name) => name === "");
    });
    await waitFor("the end of the access", async () => {
      return !(await access()).includes("open-cluster-management");
    });
  });

  it("leaves no identity on the cluster either, where that is still there", async () => {
    await waitFor("the end of ServiceAccounts and permissions", async () => {
      const kinds = "serviceaccounts,clusterrolebindings,rolebindings,clusterroles,roles";
      return (await world.managed.kubectl(["get", kinds, "-A", ours, "-o=name"])) === "";
    });
  });
});
