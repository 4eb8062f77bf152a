import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Manifest, permissionPolicy } from "#api";
import { type ChildProgram, waitFor } from "#bed";
import { makeAuthority, startConnectProxy } from "#testing";
import { makeAccount } from "../../e2e/bed/ocm/account.ts";
import { canonicalJson } from "../canonical-json.ts";
import { AddonHub, addonNamespace } from "../testdata/addon-hub.ts";
import { PodProcess } from "../testdata/pod-process.ts";
import { agentManifests, agentNodeFlags } from "./agent-manifests.ts";

const addon = "managed-serviceaccount";
const cluster = "managed1";
const agents = "open-cluster-management-agent-addon";
const deployment = "managed-serviceaccount-addon-agent";
const pullWork = "managed-serviceaccount-image-pull-credentials";
/** The second statement is for another cluster: here it gives nobody anything. */
const policy = [
  { accounts: ["ci"], clusterRoles: ["view"], clusterWide: true },
  { accounts: ["ci"], clusterRoles: ["edit"], clusterWide: true, clusters: ["other"] },
];
/** A name of the hub's API server that nobody here knows. */
const hubName = "kubernetes.default.svc";
const noProxy = { httpProxy: "http://plain.example:3128", noProxy: "10.0.0.0/8,.example" };
/** What an administrator may say of the agent, in both modes. */
const config = {
  registries: [{ source: "agent", mirror: "mirror.example/agent" }],
  nodePlacement: {
    nodeSelector: { zone: "a" },
    tolerations: [{ key: "dedicated", operator: "Exists" }],
  },
  resourceRequirements: [
    {
      containerID: `deployments:${deployment}:addon-agent`,
      resources: { requests: { memory: "64Mi" }, limits: { memory: "200Mi" } },
    },
  ],
  customizedVariables: [{ name: "replicas", value: "1" }],
} as const;
const modes = {
  AddOnTemplate: [
    "hubDeployMode=AddOnTemplate",
    "agentImagePullSecret=registry",
    `--set-json=permissionPolicy=${JSON.stringify(policy)}`,
  ],
  Deployment: [`--set-json=permissionPolicy=${JSON.stringify(policy)}`],
} as const;
type Mode = keyof typeof modes;

function settingsOf(mode: Mode) {
  const image = ["image=agent", "tag=v1"];
  const flags = {
    AddOnTemplate: ["--agent-image-pull-secret=registry"],
    Deployment: [`--permission-policy=${JSON.stringify(policy)}`],
  };
  return {
    values: [...image, ...modes[mode]],
    given: [`--deploy-mode=${mode}`, ...flags[mode]],
  };
}

describe("managed-serviceaccount, delivered by OCM's addon manager", { timeout: 550_000 }, () => {
  let world: AddonHub;
  let pod: PodProcess | undefined;
  let agent: ChildProgram | undefined;

  before(async () => {
    world = await AddonHub.start("v1alpha1-and-v1beta1");
    const registry = ["--docker-server=r.example", "--docker-username=u", "--docker-password=p"];
    const secret = ["create", "secret", "docker-registry", "registry", ...registry];
    await world.hub.kubectl([...secret, `--namespace=${addonNamespace}`]);
    await world.install(addon, settingsOf("AddOnTemplate"));
  });
  after(async () => {
    await pod?.[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  const deployed = async (): Promise<readonly Manifest[]> => {
    const path = ".spec.workload.manifests";
    const name = `addon-${addon}-deploy-0`;
    return JSON.parse((await world.field("manifestwork", name, path, cluster)) || "[]");
  };
  /** The agent's arguments on the managed cluster, once it was brought in that way. */
  const broughtBy = async (mode: Mode): Promise<void> => {
    const mark = mode === "Deployment" ? "--lease-health-check=true" : "/managed/hub-kubeconfig/";
    await waitFor(`the agent of mode ${mode}`, async () => {
      const path = ".spec.template.spec.containers[0].args";
      return (await world.managedField("deployment", deployment, path, agents)).includes(mark);
    });
  };
  /**
   * Each move of the agent costs a certificate request, and OCM's klusterlet makes no more while the hub
   * has ten of an addon, decided or not. Then an administrator has to make room, or to wait for an hour.
   */
  const clearRequests = async (): Promise<void> => {
    const path = '.status.conditions[?(@.type=="ClusterCertificateRotated")].message';
    const told = await world.field("managedclusteraddon", addon, path, cluster);
    if (!told.includes("too many csr")) return;
    await world.hub.kubectl(["delete", "csr", `-l=open-cluster-management.io/addon-name=${addon}`]);
  };
  /** Does the kubelet's work: starts the agent as its Deployment says, with its own rights. */
  const runAgent = async (namespace = agents, hubHost = "127.0.0.1"): Promise<void> => {
    await pod?.[Symbol.asyncDispose]();
    await waitFor("the agent's hub kubeconfig", async () => {
      await clearRequests();
      const [kind, name] = ["secret", `${addon}-hub-kubeconfig`];
      return (await world.managedField(kind, name, ".data.kubeconfig", namespace)) !== "";
    });
    pod = await PodProcess.of(world.managed, namespace, deployment);
    await pod.rewrite("kubeconfig", (text) => text.replace("//127.0.0.1:", `//${hubHost}:`));
    const spoke = await makeAccount(world.managed, namespace, addon);
    agent = pod.start([
      `--spoke-kubeconfig=${spoke}`,
      "--health-probe-bind-address=0",
      "--metrics-bind-address=0",
    ]);
  };
  const accountField = async (path: string): Promise<string> =>
    world.field("managedserviceaccount", "ci", path, cluster);
  const reported = '.status.conditions[?(@.type=="TokenReported")]';
  const ready = async (): Promise<void> => {
    await waitFor("the account", async () => {
      agent?.throwIfEnded();
      return (await accountField(`${reported}.status`)) === "True";
    });
  };
  const applied = '.status.conditions[?(@.type=="PermissionsApplied")]';
  const askForPermissions = async (permissions: readonly object[]): Promise<void> => {
    const patch = JSON.stringify({ spec: { permissions } });
    const target = ["managedserviceaccount", "ci", `--namespace=${cluster}`];
    await world.hub.kubectl(["patch", ...target, "--type=merge", `--patch=${patch}`]);
  };
  const tokenOf = async (): Promise<string> =>
    Buffer.from(await world.field("secret", "ci", ".data.token", cluster), "base64").toString();
  const whoIs = async (token: string): Promise<string | undefined> => {
    const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec: { token } };
    const path = "/apis/authentication.k8s.io/v1/tokenreviews";
    const answer = await world.managed.api.send({ method: "POST", path, body });
    return (answer.body as { status?: { user?: { username?: string } } }).status?.user?.username;
  };
  const rightsOnHub = async (): Promise<readonly string[]> => {
    const args = ["get", "roles,rolebindings", "-n", cluster, "-o=name"];
    const names = (await world.hub.kubectl(args)).split("\n");
    return names.filter((name) => name.includes(addon)).toSorted();
  };
  const rightsOnManaged = async (): Promise<string> =>
    world.managed.kubectl([
      "get",
      "clusterrolebindings",
      "-l=authentication.open-cluster-management.io/is-managed-serviceaccount=true",
      "-o=name",
    ]);
  /** Makes that the agents' configuration, or takes it away. */
  const configure = async (spec: object | undefined): Promise<void> => {
    const reference = {
      group: "addon.open-cluster-management.io",
      resource: "addondeploymentconfigs",
    };
    const name = "tokens";
    if (spec !== undefined) {
      const apiVersion = "addon.open-cluster-management.io/v1alpha1";
      const metadata = { name, namespace: addonNamespace };
      await world.hub.apply(
        JSON.stringify({ apiVersion, kind: "AddOnDeploymentConfig", metadata, spec }),
      );
    }
    const configs = spec === undefined ? null : [{ ...reference, name, namespace: addonNamespace }];
    const target = ["managedclusteraddon", addon, `--namespace=${cluster}`];
    const patch = JSON.stringify({ spec: { configs } });
    await world.hub.kubectl(["patch", ...target, "--type=merge", `--patch=${patch}`]);
  };
  const switchTo = async (mode: Mode): Promise<void> => {
    await world.upgrade(addon, settingsOf(mode));
    await broughtBy(mode);
    await runAgent();
  };

  /** Configures all that there is, and lets the agent run behind its proxy, in another namespace. */
  const runConfigured = async (elsewhere: string): Promise<void> => {
    const company = await makeAuthority("company");
    await using proxy = await startConnectProxy({
      credentials: "agent:p@ss",
      tls: await company.server("localhost"),
      hosts: { [hubName]: "127.0.0.1" },
    });
    const caBundle = Buffer.from(company.caPem).toString("base64");
    const httpsProxy = `https://agent:p%40ss@localhost:${proxy.port}`;
    await configure({
      ...config,
      agentInstallNamespace: elsewhere,
      proxyConfig: { ...noProxy, httpsProxy, caBundle },
    });
    const podSpec = await waitFor("the agent as configured", async () => {
      const found = await world.managedField(
        "deployment",
        deployment,
        ".spec.template.spec",
        elsewhere,
      );
      return found.includes(httpsProxy) && (JSON.parse(found) as ConfiguredPod);
    });
    const [container] = podSpec.containers;
    assert.equal(container.image, "mirror.example/agent:v1");
    assert.deepEqual(container.resources, config.resourceRequirements[0].resources);
    assert.deepEqual(podSpec.nodeSelector, config.nodePlacement.nodeSelector);
    assert.deepEqual(podSpec.tolerations, config.nodePlacement.tolerations);
    const told = Object.fromEntries(container.env.map(({ name, value }) => [name, value]));
    assert.deepEqual([told["HTTPS_PROXY"], told["NO_PROXY"]], [httpsProxy, noProxy.noProxy]);
    const before = await tokenOf();
    await runAgent(elsewhere, hubName);
    const me = `system:serviceaccount:${elsewhere}:ci`;
    await waitFor("a token of the other namespace", async () => {
      agent?.throwIfEnded();
      const token = await tokenOf();
      return token !== before && token !== "" && (await whoIs(token)) === me;
    });
    const { port } = new URL(world.hub.server);
    assert.deepEqual(new Set(proxy.asked), new Set([`${hubName}:${port} 200`]));
    assert.doesNotMatch(pod?.log ?? "", /p@ss|p%40ss/);
  };

  it("is the same agent that the controller would bring, told otherwise where the hub is", async () => {
    const found = await waitFor("the ManifestWork", async () => {
      const manifests = await deployed();
      return manifests.length > 0 && manifests;
    });
    const ours = agentManifests({
      clusterName: cluster,
      namespace: agents,
      image: "agent:v1",
      pullSecretData: undefined,
      httpsProxyCaPem: "",
      policy: permissionPolicy.parse(policy),
      replicas: 1,
      monitorLabels: undefined,
      endsEphemeral: true,
    });
    assert.deepEqual(comparable(found), comparable(ours));
    const args = podOf(found).containers[0]?.args;
    assert.deepEqual(args, [
      ...agentNodeFlags,
      "/app/agent.mjs",
      "tokens",
      `--cluster-name=${cluster}`,
      "--kubeconfig=/managed/hub-kubeconfig/kubeconfig",
      "--feature-gates=EphemeralIdentity=true",
      `--permission-policy=${JSON.stringify(policy)}`,
    ]);
  });

  it("makes an account ready, with the rights that the template gives the agent", async () => {
    await broughtBy("AddOnTemplate");
    await runAgent();
    await world.hub.apply(`
apiVersion: authentication.open-cluster-management.io/v1beta1
kind: ManagedServiceAccount
metadata: {name: ci, namespace: ${cluster}}
spec: {rotation: {}, permissions: [{preset: view}]}
`);
    await ready();
    assert.equal(await whoIs(await tokenOf()), `system:serviceaccount:${agents}:ci`);
    await waitFor("the permissions", async () => (await rightsOnManaged()) !== "");
    const bound = `rolebinding.rbac.authorization.k8s.io/open-cluster-management:${addon}:clusterrole:agent`;
    assert.deepEqual(await rightsOnHub(), [bound]);
  });

  it("gives nobody what the policy gives on other clusters", async () => {
    await askForPermissions([{ preset: "view" }, { preset: "edit" }]);
    await waitFor("the refusal", async () => {
      const message = await accountField(`${applied}.message`);
      return /permissions\[1\].*ClusterRole edit/.test(message);
    });
    await askForPermissions([{ preset: "view" }]);
    await waitFor(
      "the permissions",
      async () => (await accountField(`${applied}.status`)) === "True",
    );
  });

  it("brings the pull secret, and its next content", async () => {
    const pulled = async () => world.managedField("secret", pullWork, ".data", agents);
    const first = await waitFor("the pull secret", async () => (await pulled()) || false);
    assert.match(first, /^\{"\.dockerconfigjson":"/);
    const path = ".spec.template.spec.serviceAccountName";
    const name = await world.managedField("deployment", deployment, path, agents);
    const secrets = await world.managedField("serviceaccount", name, ".imagePullSecrets", agents);
    assert.match(secrets, new RegExp(pullWork));
    const patch = JSON.stringify({ data: { ".dockerconfigjson": "e30=" } });
    const registry = ["secret", "registry", `--namespace=${addonNamespace}`];
    await world.hub.kubectl(["patch", ...registry, "--type=merge", `--patch=${patch}`]);
    await waitFor("its next content", async () => (await pulled()).includes('"e30="'));
  });

  it("ends accounts whose time is up", async () => {
    await world.hub.apply(`
apiVersion: authentication.open-cluster-management.io/v1beta1
kind: ManagedServiceAccount
metadata: {name: brief, namespace: ${cluster}}
spec: {rotation: {}, ttlSecondsAfterCreation: 2}
`);
    await world.untilField("", "managedserviceaccount", "brief", ".metadata.name", cluster);
  });

  it("goes over to the controller and back, and no user of a token notices", async () => {
    const token = await tokenOf();
    await switchTo("Deployment");
    const role = "managed-serviceaccount-addon-agent";
    const kinds = ["rolebinding", "role"].map(
      (kind) => `${kind}.rbac.authorization.k8s.io/${role}`,
    );
    await waitFor("the controller's rights alone", async () => {
      return (await rightsOnHub()).join() === kinds.toSorted().join();
    });
    assert.equal(await world.field("addontemplate", addon, ".metadata.name"), "");
    await world.untilField("", "manifestwork", pullWork, ".metadata.name", cluster);
    await ready();
    assert.equal(await tokenOf(), token);
    await switchTo("AddOnTemplate");
    await waitFor("OCM's rights alone", async () => (await rightsOnHub()).length === 1);
    await ready();
    assert.equal(await tokenOf(), token);
    assert.equal(await whoIs(token), `system:serviceaccount:${agents}:ci`);
  });

  it("does what the AddOnDeploymentConfig says where the controller brings it", async () => {
    await switchTo("Deployment");
    await runConfigured("agents-of-ours");
    await configure(undefined);
    await switchTo("AddOnTemplate");
    await ready();
  });

  it("takes tokens and permissions along when the addon is taken from the cluster", async () => {
    const token = await tokenOf();
    const nowhere =
      '{"spec":{"predicates":[{"requiredClusterSelector":{"labelSelector":{"matchLabels":{"no":"where"}}}}]}}';
    const placement = ["placement", "global", "-n", "open-cluster-management-addon"];
    await world.hub.kubectl(["patch", ...placement, "--type=merge", `-p=${nowhere}`]);
    await waitFor("the end of the token", async () => (await whoIs(token)) === undefined, {
      limitMs: 60_000,
    });
    // An agent that still has its rights writes again what was taken away: the end is what counts.
    const gone = async (): Promise<boolean> => {
      const fields = await Promise.all([
        accountField(`${reported}.reason`),
        accountField(".status.tokenSecretRef"),
        world.field("secret", "ci", ".metadata.name", cluster),
      ]);
      return fields.join() === "AddonRemoved,,";
    };
    await waitFor("an account without a token", gone);
    await waitFor("the end of the permissions", async () => (await rightsOnManaged()) === "");
    const all = '{"spec":{"predicates":null}}';
    await world.hub.kubectl(["patch", ...placement, "--type=merge", `-p=${all}`]);
    await broughtBy("AddOnTemplate");
    await runAgent();
    await ready();
    assert.equal(await whoIs(await tokenOf()), `system:serviceaccount:${agents}:ci`);
  });

  it("does what the AddOnDeploymentConfig says where OCM brings it", async () => {
    await runConfigured("agents-of-ocm");
    const secret = async () => world.managedField("secret", pullWork, ".data", "agents-of-ocm");
    await waitFor("the pull secret there", async () => (await secret()) !== "");
  });
});

interface ConfiguredPod {
  readonly nodeSelector?: object;
  readonly tolerations?: readonly object[];
  readonly containers: readonly [
    {
      readonly image: string;
      readonly resources?: object;
      readonly env: readonly { readonly name: string; readonly value?: string }[];
    },
  ];
}

interface PodSpec {
  readonly containers: readonly { readonly args: readonly string[] }[];
}

function podOf(manifests: readonly Manifest[]): PodSpec {
  const found = manifests.find(({ kind }) => kind === "Deployment");
  assert.ok(found);
  return (found["spec"] as { template: { spec: PodSpec } }).template.spec;
}

/** In one order, and without what OCM adds or does in its own way: the road to the hub, pull secrets. */
function comparable(manifests: readonly Manifest[]): readonly string[] {
  return manifests
    .map((manifest) => canonicalJson(JSON.parse(JSON.stringify(manifest, withoutDelivery))))
    .toSorted();
}

const ofDelivery = new Set([
  "args",
  "volumes",
  "volumeMounts",
  "imagePullSecrets",
  "creationTimestamp",
]);

function withoutDelivery(key: string, value: unknown): unknown {
  if (ofDelivery.has(key) || isEmpty(value)) return undefined;
  if (key !== "env") return value;
  return (value as { name: string }[]).filter(({ name }) => !/^(HUB_|CLUSTER_)/.test(name));
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}
