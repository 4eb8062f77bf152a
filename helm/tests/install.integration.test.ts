import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type ProcessCluster, startOcm, startProcessCluster, waitFor } from "#bed";
import { Helm } from "./helm.ts";

const namespace = "open-cluster-management-addon";
const releases = {
  "cluster-proxy": ["cluster-proxy"],
  "managed-serviceaccount": ["managed-serviceaccount"],
  "cluster-gateway": [
    "cluster-gateway-addon-manager",
    "--set=manualSecretManagement=false",
    "--set=konnectivityEgress=true",
  ],
} as const satisfies Readonly<Record<string, readonly string[]>>;
type Release = keyof typeof releases;

/** The ServiceAccounts of the three controllers, and of the gateway. */
const accounts = {
  "cluster-proxy": `${namespace}:cluster-proxy-addon-manager`,
  "managed-serviceaccount": `${namespace}:managed-serviceaccount-addon-manager`,
  "cluster-gateway": `${namespace}:cluster-gateway-addon-manager`,
  gateway: "vela-system:cluster-gateway",
} as const;
type Account = keyof typeof accounts;

let helm: Helm;
let hub: ProcessCluster;

before(
  async () => {
    helm = await Helm.open();
    hub = await startProcessCluster({ name: "hub", controllerManager: true });
    await startOcm(hub, []);
    await hub.kubectl(["create", "namespace", "managed1"]);
  },
  { timeout: 120_000 },
);
after(async () => {
  await hub[Symbol.asyncDispose]();
  await helm[Symbol.asyncDispose]();
});

async function helmRun(...args: readonly string[]): Promise<string> {
  return helm.run(["--namespace", namespace, ...args], hub.kubeconfig);
}

async function install(release: Release): Promise<string> {
  return helmRun("install", release, ...releases[release]);
}

const kinds = [
  "deployments,services,serviceaccounts,roles,rolebindings,poddisruptionbudgets",
  "clusterroles,clusterrolebindings",
  "validatingadmissionpolicies,validatingadmissionpolicybindings",
  "clustermanagementaddons,placements",
  "managedproxyconfigurations,clustergatewayconfigurations",
].join(",");

/** Everything that the charts have made, besides the namespaces that they keep. */
async function installed(): Promise<readonly string[]> {
  const selector = "app.kubernetes.io/part-of=spokeway";
  const output = await hub.kubectl(["get", kinds, "-A", "-l", selector, "-o=name"]);
  return output.split("\n").filter((name) => name !== "");
}

async function tryAs(account: Account, args: readonly string[], input?: unknown): Promise<string> {
  const user = `--as=system:serviceaccount:${accounts[account]}`;
  try {
    return await hub.kubectl([user, ...args], input === undefined ? "" : JSON.stringify(input));
  } catch (error) {
    return String(error);
  }
}

describe("the three charts in one namespace", { timeout: 300_000 }, () => {
  const orders: readonly (readonly Release[])[] = [
    ["cluster-proxy", "managed-serviceaccount", "cluster-gateway"],
    ["managed-serviceaccount", "cluster-gateway", "cluster-proxy"],
    ["cluster-gateway", "cluster-proxy", "managed-serviceaccount"],
  ];
  for (const order of orders) {
    it(`install as ${order.join(", ")}, upgrade, and leave nothing when they go`, async () => {
      for (const release of order) {
        assert.match(await install(release), /STATUS: deployed/);
      }
      for (const release of order) {
        await helmRun("upgrade", release, ...releases[release], "--set=replicas=2");
      }
      const budgets = await hub.kubectl(["-n", namespace, "get", "pdb", "-o=name"]);
      assert.equal(budgets.trim().split("\n").length, 3);
      for (const release of order) await helmRun("uninstall", release);
      await waitFor("nothing to be left", async () => (await installed()).length === 0);
    });
  }

  it("install with no value at all, each alone", async () => {
    for (const chart of [
      "cluster-proxy",
      "managed-serviceaccount",
      "cluster-gateway-addon-manager",
    ]) {
      await helmRun("install", "alone", chart);
      await helmRun("uninstall", "alone");
    }
    assert.deepEqual(await installed(), []);
  });

  it("keep the namespace of the credentials and what an administrator put there", async () => {
    const credentials = ["-n", "open-cluster-management-credentials"];
    await hub.kubectl([...credentials, "create", "secret", "generic", "mine"]);
    await install("cluster-gateway");
    await helmRun("uninstall", "cluster-gateway");
    assert.match(await hub.kubectl([...credentials, "get", "secret", "mine", "-o=name"]), /mine/);
  });

  it("use a namespace that somebody else made, and leave it as it is", async () => {
    await hub.kubectl(["create", "namespace", "somebody-elses"]);
    const flag = "--set=clusterGateway.installNamespace=somebody-elses";
    await helmRun("install", "cluster-gateway", ...releases["cluster-gateway"], flag);
    await helmRun("upgrade", "cluster-gateway", ...releases["cluster-gateway"], flag);
    await helmRun("uninstall", "cluster-gateway");
    const json = JSON.parse(await hub.kubectl(["get", "namespace", "somebody-elses", "-o=json"]));
    assert.equal(json.metadata.annotations, undefined);
  });
});

describe("the rights of the charts", { timeout: 300_000 }, () => {
  before(async () => {
    for (const release of Object.keys(releases) as Release[]) await install(release);
  });

  const named = (name: string) => ["-A", `--field-selector=metadata.name=${name}`];
  const allowed: readonly (readonly [Account, readonly string[]])[] = [
    ["cluster-proxy", ["get", "managedclusters,managedclusteraddons,manifestworks", "-A"]],
    ["cluster-proxy", ["get", "roles,rolebindings", ...named("cluster-proxy-addon-agent")]],
    ["cluster-proxy", ["get", "csr"]],
    ["cluster-proxy", ["get", "managedproxyconfigurations"]],
    ["managed-serviceaccount", ["get", "managedclusters,addondeploymentconfigs", "-A"]],
    ["managed-serviceaccount", ["get", "roles", ...named("managed-serviceaccount-addon-agent")]],
    ["cluster-gateway", ["get", "secrets", ...named("cluster-gateway")]],
    ["cluster-gateway", ["get", "secrets", "-n", "open-cluster-management-credentials"]],
    ["cluster-gateway", ["get", "managedserviceaccounts", "-A"]],
    ["gateway", ["get", "secrets", "-n", "open-cluster-management-credentials"]],
    ["gateway", ["get", "managedclusters"]],
    ["gateway", ["get", "cm", "extension-apiserver-authentication", "-n", "kube-system"]],
  ];
  for (const [account, args] of allowed) {
    it(`let ${account} ${args.join(" ")}`, async () => {
      assert.doesNotMatch(await tryAs(account, args), /forbidden/i);
    });
  }

  const denied: readonly (readonly [Account, readonly string[]])[] = [
    ["cluster-proxy", ["get", "secrets", "-A"]],
    ["cluster-proxy", ["get", "secrets", "-n", namespace]],
    ["cluster-proxy", ["get", "pods", "-n", "kube-system"]],
    ["cluster-proxy", ["get", "managedserviceaccounts", "-A"]],
    ["managed-serviceaccount", ["get", "clusterroles"]],
    ["managed-serviceaccount", ["get", "managedproxyconfigurations"]],
    ["cluster-gateway", ["get", "secrets", "-A"]],
    ["cluster-gateway", ["get", "secret", "cluster-proxy-signer", "-n", namespace]],
    ["cluster-gateway", ["get", "roles", "-A"]],
    ["gateway", ["get", "configmaps", "-n", "kube-system"]],
    ["gateway", ["get", "secrets", "-n", namespace]],
    ["gateway", ["get", "secrets", "-n", "managed1"]],
  ];
  for (const [account, args] of denied) {
    it(`do not let ${account} ${args.join(" ")}`, async () => {
      assert.match(await tryAs(account, args), /forbidden/i);
    });
  }

  const apply = ["apply", "--server-side", "--dry-run=server", "-f", "-"];

  function roleIn(place: string, name: string, rules: readonly unknown[]) {
    const apiVersion = "rbac.authorization.k8s.io/v1";
    return { apiVersion, kind: "Role", metadata: { name, namespace: place }, rules };
  }

  it("let each controller grant its agent what the agent needs", async () => {
    const tokens = [
      {
        apiGroups: [""],
        resources: ["secrets"],
        verbs: ["get", "list", "watch", "create", "update", "patch"],
      },
      {
        apiGroups: ["authentication.open-cluster-management.io"],
        resources: ["managedserviceaccounts"],
        verbs: ["get", "list", "watch"],
      },
      {
        apiGroups: ["authentication.open-cluster-management.io"],
        resources: ["managedserviceaccounts/status"],
        verbs: ["get", "update", "patch"],
      },
      { apiGroups: [""], resources: ["events"], verbs: ["create", "patch"] },
    ];
    const role = roleIn("managed1", "managed-serviceaccount-addon-agent", tokens);
    assert.match(await tryAs("managed-serviceaccount", apply, role), /serverside-applied/);

    const forward = [
      { apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch"] },
      { apiGroups: [""], resources: ["pods/portforward"], verbs: ["create", "get"] },
    ];
    const servers = [
      {
        apiGroups: ["coordination.k8s.io"],
        resources: ["leases"],
        verbs: ["list", "watch", "create", "patch", "delete"],
      },
      { apiGroups: [""], resources: ["events"], verbs: ["create"] },
    ];
    const serverRole = roleIn(namespace, "cluster-proxy-tunnel-server", servers);
    assert.match(await tryAs("cluster-proxy", apply, serverRole), /serverside-applied/);
    const portForward = roleIn(namespace, "cluster-proxy-addon-agent:portforward", forward);
    assert.match(await tryAs("cluster-proxy", apply, portForward), /serverside-applied/);
  });

  it("let no controller grant more than that", async () => {
    const all = [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }];
    for (const account of ["cluster-proxy", "managed-serviceaccount"] as const) {
      const role = roleIn("managed1", `${account}-addon-agent`, all);
      assert.match(await tryAs(account, apply, role), /attempting to grant RBAC permissions/);
    }
  });

  it("let each controller write the Secrets that it is to write, and no other", async () => {
    const secret = (place: string, name: string) => ({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name, namespace: place },
    });
    const own = [
      ["cluster-proxy", namespace, "cluster-proxy-signer"],
      ["cluster-proxy", namespace, "cluster-proxy-frontend-signer"],
      ["cluster-proxy", namespace, "proxy-server-ca"],
      ["cluster-proxy", namespace, "agent-server-ca"],
      ["cluster-gateway", namespace, "cluster-gateway-signer"],
      ["cluster-gateway", "vela-system", "cluster-gateway-tls-cert"],
      ["cluster-gateway", "vela-system", "proxy-client"],
      ["cluster-gateway", "open-cluster-management-credentials", "managed1"],
    ] as const;
    for (const [account, place, name] of own) {
      assert.match(await tryAs(account, apply, secret(place, name)), /serverside-applied/, name);
    }
    const others = [
      ["cluster-proxy", namespace, "cluster-gateway-signer"],
      ["cluster-proxy", "managed1", "proxy-client"],
      ["cluster-gateway", namespace, "cluster-proxy-signer"],
      ["cluster-gateway", "managed1", "cluster-gateway"],
    ] as const;
    for (const [account, place, name] of others) {
      assert.match(await tryAs(account, apply, secret(place, name)), /forbidden/i, name);
    }
  });

  it("let managed-serviceaccount write its own Secrets in namespaces of clusters and in named ones, and say which value names them", async () => {
    const own = "open-cluster-management.io/cluster-name=c7";
    for (const place of ["c7", "argocd", "elsewhere"]) {
      await hub.kubectl(["create", "namespace", place]);
    }
    await hub.kubectl(["label", "namespace", "c7", own]);
    await helmRun(
      "upgrade",
      "managed-serviceaccount",
      "managed-serviceaccount",
      "--set=outputs.namespaces={argocd}",
    );
    const secret = (place: string, label: string) => ({
      apiVersion: "v1",
      kind: "Secret",
      metadata: {
        name: "s",
        namespace: place,
        labels: { [`authentication.open-cluster-management.io/${label}`]: "kubeconfig" },
      },
    });
    const write = async (place: string, label: string) =>
      tryAs("managed-serviceaccount", apply, secret(place, label));
    // The one from before the upgrade refuses as well, and stays in force for a moment.
    await waitFor("the policy", async () => {
      const isRefused = /forbidden/.test(await write("elsewhere", "output"));
      return isRefused && /serverside-applied/.test(await write("argocd", "output"));
    });
    for (const place of ["c7", "argocd"]) {
      assert.match(await write(place, "output"), /serverside-applied/, place);
    }
    for (const [place, label] of [
      ["elsewhere", "output"],
      ["argocd", "synced-from"],
      ["c7", "is-managed-serviceaccount"],
    ] as const) {
      assert.match(
        await write(place, label),
        /namespace \w+ is neither of a cluster nor named: add it to outputs\.namespaces/,
      );
    }
  });

  it("let managed-serviceaccount delete what was made for accounts, and no other Secret", async () => {
    const remove = async (place: string, name: string) =>
      tryAs("managed-serviceaccount", ["delete", "secret", name, "-n", place]);
    const make = async (place: string, name: string, label?: string): Promise<void> => {
      await hub.kubectl(["create", "secret", "generic", name, "-n", place]);
      const full = `authentication.open-cluster-management.io/${label}=true`;
      if (label !== undefined) await hub.kubectl(["label", "secret", name, "-n", place, full]);
    };
    for (const [place, name, label] of [
      ["elsewhere", "output", "output"],
      ["elsewhere", "copy", "synced-from"],
      ["c7", "token", "is-managed-serviceaccount"],
    ] as const) {
      await make(place, name, label);
      assert.match(await remove(place, name), /deleted/, name);
    }
    await make("c7", "theirs");
    await make("elsewhere", "token", "is-managed-serviceaccount");
    assert.match(await remove("c7", "theirs"), /neither a token of an account nor made from one/);
    assert.match(await remove("elsewhere", "token"), /neither a token of an account/);
  });

  it("let each controller bind the set of all clusters in its own namespace", async () => {
    const binding = (place: string) => ({
      apiVersion: "cluster.open-cluster-management.io/v1beta2",
      kind: "ManagedClusterSetBinding",
      metadata: { name: "global", namespace: place },
      spec: { clusterSet: "global" },
    });
    for (const account of ["cluster-proxy", "managed-serviceaccount", "cluster-gateway"] as const) {
      assert.match(await tryAs(account, apply, binding(namespace)), /serverside-applied/);
      assert.match(await tryAs(account, apply, binding("managed1")), /forbidden/i);
    }
  });

  it("let the tunnel's controller sign for its own signer only", async () => {
    const review = (signer: string) => ({
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
      spec: {
        user: `system:serviceaccount:${accounts["cluster-proxy"]}`,
        resourceAttributes: {
          group: "certificates.k8s.io",
          resource: "signers",
          name: signer,
          verb: "sign",
        },
      },
    });
    const verdict = async (signer: string) =>
      hub.kubectl(
        ["create", "-f", "-", "-o=jsonpath={.status.allowed}"],
        JSON.stringify(review(signer)),
      );
    assert.equal(await verdict("open-cluster-management.io/proxy-agent-signer"), "true");
    assert.equal(await verdict("kubernetes.io/kube-apiserver-client"), "false");
  });
});
