import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type AddonVersions, waitFor } from "#bed";
import { createKey, createRequest, isIssuedBy, parseCertificates } from "#pki";
import { AddonHub, addonNamespace, releaseNames } from "./testdata/addon-hub.ts";

const cluster = "managed1";
const identity = `system:open-cluster-management:cluster:${cluster}:addon:cluster-proxy`;
const groups = ["system:open-cluster-management:addon:cluster-proxy", identity];
const agentNamespaces = {
  proxy: "open-cluster-management-cluster-proxy",
  shared: "open-cluster-management-agent-addon",
} as const;
const status = (type: string): string => `.status.conditions[?(@.type=="${type}")].status`;
const encode = (text: string): string => Buffer.from(text).toString("base64");
const decode = (text: string): string => Buffer.from(text, "base64").toString("utf8");

function describeAddons(addonVersions: AddonVersions): void {
  let world: AddonHub;
  before(
    async () => {
      world = await AddonHub.start(addonVersions);
      for (const release of releaseNames) await world.install(release);
    },
    { timeout: 240_000 },
  );
  after(async () => world[Symbol.asyncDispose]());

  it("registers the addons and applies their manifests", async () => {
    for (const name of releaseNames) {
      for (const type of ["RegistrationApplied", "ManifestApplied"]) {
        await world.untilField("True", "managedclusteraddon", name, status(type), cluster);
      }
    }
  });

  it("lets OCM's addon manager see that the configuration is rolled out", async () => {
    for (const name of ["cluster-proxy", "cluster-gateway"]) {
      const reason = '.status.conditions[?(@.type=="Progressing")].reason';
      await world.untilField("Completed", "managedclusteraddon", name, reason, cluster);
    }
  });

  it("gives the agents their credentials on the managed cluster", async () => {
    const secrets = [
      ["cluster-proxy-hub-kubeconfig", agentNamespaces.proxy],
      [
        "cluster-proxy-open-cluster-management.io-proxy-agent-signer-client-cert",
        agentNamespaces.proxy,
      ],
      ["managed-serviceaccount-hub-kubeconfig", agentNamespaces.shared],
    ] as const;
    for (const [name, namespace] of secrets) {
      await waitFor(`Secret ${name}`, async () => {
        const text = await world.managedField("secret", name, ".data['tls\\.crt']", namespace);
        return text !== "";
      });
    }
  });

  it("signs the certificate of the tunnel's agent with the agents' authority alone", async () => {
    const name = "cluster-proxy-open-cluster-management.io-proxy-agent-signer-client-cert";
    const [leaf] = parseCertificates(
      decode(await world.managedField("secret", name, ".data['tls\\.crt']", agentNamespaces.proxy)),
    );
    const [agents, frontends] = await Promise.all(
      ["agent-server-ca", "proxy-server-ca"].map(async (ca) => {
        const text = await world.field("secret", ca, ".data['ca\\.crt']", addonNamespace);
        return parseCertificates(decode(text))[0];
      }),
    );
    assert.ok(agents !== undefined && isIssuedBy(leaf, agents));
    assert.ok(frontends !== undefined && !isIssuedBy(leaf, frontends));
    assert.equal(leaf.commonName, `${identity}:agent:proxy-agent`);
    assert.deepEqual(leaf.organizations.toSorted(), groups);
    assert.ok(leaf.names.includes(cluster), leaf.names.join(", "));
    assert.ok(leaf.names.includes(`${cluster}.${agentNamespaces.proxy}`), leaf.names.join(", "));
  });

  it("calls the tunnel server deployed only once its pods serve", async () => {
    const of = ["managedproxyconfiguration", "cluster-proxy"] as const;
    await world.untilField("True", ...of, status("ProxyServerSecretSigned"));
    await world.untilField("False", ...of, status("ProxyServerDeployed"));
    await world.pretendServing(
      "proxy.open-cluster-management.io/component-name=proxy-server",
      addonNamespace,
    );
    await world.untilField("True", ...of, status("ProxyServerDeployed"));
  });

  it("lets Placements select among all clusters for as long as one of the addons is there", async () => {
    await waitFor("three owners of the binding", async () => {
      const owners = await world.field(
        "managedclustersetbinding",
        "global",
        ".metadata.ownerReferences[*].name",
        addonNamespace,
      );
      return owners.split(" ").length === 3;
    });
  });

  it("leaves requests alone that no agent of the cluster would make", async () => {
    const key = await createKey();
    const good = {
      commonName: `${identity}:agent:addon-agent`,
      organizations: groups,
      organizationalUnits: [],
    };
    await world.hub.apply(JSON.stringify(csrCreator));
    const request = async (
      name: string,
      requester: string,
      subject: typeof good,
      overrides: Record<string, unknown> = {},
    ): Promise<void> => {
      const object = {
        apiVersion: "certificates.k8s.io/v1",
        kind: "CertificateSigningRequest",
        metadata: {
          name,
          labels: {
            "open-cluster-management.io/addon-name": "cluster-proxy",
            "open-cluster-management.io/cluster-name": cluster,
          },
        },
        spec: {
          request: encode(await createRequest(key, subject, [])),
          signerName: "kubernetes.io/kube-apiserver-client",
          usages: ["digital signature", "key encipherment", "client auth"],
          ...overrides,
        },
      };
      const group = requester.split(":").slice(0, 3).join(":");
      const as = [`--as=${requester}`, `--as-group=${group}`, "--as-group=test:requesters"];
      await world.hub.kubectl(["create", "--filename=-", ...as], JSON.stringify(object));
    };
    const own = `system:open-cluster-management:${cluster}:agent`;
    await request(
      "addon-hostile-requester",
      "system:open-cluster-management:managed11:agent",
      good,
    );
    await request("addon-hostile-user", own, { ...good, commonName: "kubernetes-admin" });
    await request("addon-hostile-cluster", own, {
      ...good,
      commonName: good.commonName.replace(cluster, "managed11"),
    });
    await request("addon-hostile-group", own, {
      ...good,
      organizations: [...good.organizations, "open-cluster-management:admins"],
    });
    await request("addon-hostile-usage", own, good, {
      signerName: "open-cluster-management.io/proxy-agent-signer",
      usages: ["server auth", "client auth"],
    });
    await request("addon-honest", own, good);
    await world.untilField("Approved", "csr", "addon-honest", ".status.conditions[*].type");
    for (const name of ["requester", "user", "cluster", "group", "usage"]) {
      const told = new RegExp(`Certificate request left alone.*addon-hostile-${name}`);
      await waitFor(`word of ${name}`, async () => told.test(world.log));
      assert.equal(await world.field("csr", `addon-hostile-${name}`, ".status"), "{}", name);
    }
  });

  it("brings a change of the configuration to the managed cluster", async () => {
    const patch = '--patch={"spec":{"proxyAgent":{"replicas":2}}}';
    await world.hub.kubectl([
      "patch",
      "managedproxyconfiguration",
      "cluster-proxy",
      "--type=merge",
      patch,
    ]);
    await waitFor("two agents", async () => {
      const of = ["deployment", "cluster-proxy-proxy-agent", ".spec.replicas"] as const;
      return (await world.managedField(...of, agentNamespaces.proxy)) === "2";
    });
  });

  it("tells in a condition what it cannot use, and keeps what was there", async () => {
    const config = {
      apiVersion: "addon.open-cluster-management.io/v1alpha1",
      kind: "AddOnDeploymentConfig",
      metadata: { name: "agents", namespace: addonNamespace },
      // Left out, it would be filled in with the namespace that addons share.
      spec: { agentInstallNamespace: agentNamespaces.proxy },
    };
    await world.hub.apply(JSON.stringify(config));
    await setConfig([{ name: "replicas", value: "many" }]);
    await world.untilField(
      "False",
      "managedclusteraddon",
      "cluster-proxy",
      status("ManifestApplied"),
      cluster,
    );
    const message = '.status.conditions[?(@.type=="ManifestApplied")].message';
    const told = await world.field("managedclusteraddon", "cluster-proxy", message, cluster);
    assert.match(told, /variable replicas "many"/);
    await setConfig([{ name: "replicas", value: "3" }]);
    await waitFor("three agents", async () => {
      const of = ["deployment", "cluster-proxy-proxy-agent", ".spec.replicas"] as const;
      return (await world.managedField(...of, agentNamespaces.proxy)) === "3";
    });
  });

  async function setConfig(
    customizedVariables: readonly { readonly name: string; readonly value: string }[],
  ): Promise<void> {
    const patch = JSON.stringify({ spec: { customizedVariables } });
    const namespaced = `--namespace=${addonNamespace}`;
    const of = ["addondeploymentconfig", "agents", namespaced];
    await world.hub.kubectl(["patch", ...of, "--type=merge", `--patch=${patch}`]);
    const reference = {
      group: "addon.open-cluster-management.io",
      resource: "addondeploymentconfigs",
      namespace: addonNamespace,
      name: "agents",
    };
    await world.hub.kubectl([
      "patch",
      "managedclusteraddon",
      "cluster-proxy",
      `--namespace=${cluster}`,
      "--type=merge",
      `--patch=${JSON.stringify({ spec: { configs: [reference] } })}`,
    ]);
  }

  it("gives the gateway the token of each cluster, and each new one at once", async () => {
    await waitFor("the account", async () => {
      const of = ["managedserviceaccount", "cluster-gateway", ".spec.rotation.validity"] as const;
      return (await world.field(...of, cluster)) === "4320h";
    });
    for (const token of ["first", "second"]) {
      const secret = {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "cluster-gateway", namespace: cluster },
        data: { token: encode(token), "ca.crt": encode("CA") },
      };
      await world.hub.apply(JSON.stringify(secret));
      const data = ".data.token";
      const namespace = "open-cluster-management-credentials";
      await world.untilField(encode(token), "secret", cluster, data, namespace);
    }
  });

  it("registers the gateway's API once the gateway serves", async () => {
    const of = ["apiservice", "v1alpha1.cluster.core.oam.dev", ".spec.service.port"] as const;
    await waitFor("the gateway's Deployment", async () => {
      const path = "/apis/apps/v1/namespaces/vela-system/deployments/gateway-deployment";
      return world.hub.api.find(path);
    });
    assert.equal(await world.field(...of), "");
    await world.pretendServing(
      "proxy.open-cluster-management.io/addon-name=cluster-gateway",
      "vela-system",
    );
    await world.untilField("9443", ...of);
    const addon = ["managedclusteraddon", "cluster-gateway"] as const;
    await world.untilField("False", ...addon, status("Available"), cluster);
  });

  it("takes everything away with the charts, on both sides", async () => {
    for (const release of releaseNames.toReversed()) await world.uninstall(release);
    const gone = [
      ["managedclusteraddon", "cluster-proxy", cluster],
      ["managedclusteraddon", "managed-serviceaccount", cluster],
      ["managedclusteraddon", "cluster-gateway", cluster],
      ["manifestwork", "addon-cluster-proxy-deploy-0", cluster],
      ["secret", "cluster-proxy-signer", addonNamespace],
      ["secret", "cluster-proxy-frontend-signer", addonNamespace],
      ["secret", "proxy-client", addonNamespace],
      ["deployment", "cluster-proxy", addonNamespace],
      ["managedclustersetbinding", "global", addonNamespace],
      ["secret", cluster, "open-cluster-management-credentials"],
      ["deployment", "gateway-deployment", "vela-system"],
      ["secret", "proxy-client", "vela-system"],
      ["apiservice", "v1alpha1.cluster.core.oam.dev", undefined],
    ] as const;
    for (const [kind, name, namespace] of gone) {
      await world.untilField("", kind, name, ".metadata.name", namespace);
    }
    await waitFor("the agent to go", async () => {
      const of = ["deployment", "cluster-proxy-proxy-agent", ".metadata.name"] as const;
      return (await world.managedField(...of, agentNamespaces.proxy)) === "";
    });
    const namespace = await world.managedField(
      "namespace",
      agentNamespaces.shared,
      ".status.phase",
    );
    assert.equal(namespace, "Active");
  });
}

const csrCreator = {
  apiVersion: "v1",
  kind: "List",
  items: [
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
      metadata: { name: "test:requesters" },
      rules: [
        {
          apiGroups: ["certificates.k8s.io"],
          resources: ["certificatesigningrequests"],
          verbs: ["create"],
        },
      ],
    },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name: "test:requesters" },
      roleRef: {
        apiGroup: "rbac.authorization.k8s.io",
        kind: "ClusterRole",
        name: "test:requesters",
      },
      subjects: [{ kind: "Group", apiGroup: "rbac.authorization.k8s.io", name: "test:requesters" }],
    },
  ],
};

describe("the addons under OCM, on a hub that serves both versions of the addon API", () => {
  describeAddons("v1alpha1-and-v1beta1");
});

describe("the addons under OCM, on a hub that serves v1alpha1 alone", () => {
  describeAddons("v1alpha1");
});
