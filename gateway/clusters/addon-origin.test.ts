import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { type KubeObject, type ManagedCluster, managedCluster, type Secret } from "#api";
import { ApiError, type CacheChange } from "#kube";
import { silentLogger } from "#runtime";
import { makeAuthority } from "#testing";
import { type AddonFacts, createAddonOrigin, foundIn } from "./addon-origin.ts";
import { createClusterStore } from "./cluster-store.ts";
import { convertCluster } from "./convert.ts";

const group = "gateway.open-cluster-management.io";
const accountLabel = "authentication.open-cluster-management.io/is-managed-serviceaccount";
const encode = (text: string) => Buffer.from(text).toString("base64");
let ca = "";
before(async () => {
  ca = (await makeAuthority()).caPem;
});

function makeAddon(name: string, annotations: Readonly<Record<string, string>> = {}): KubeObject {
  return { metadata: { name, namespace: "a", resourceVersion: "3", annotations } };
}

function makeSecret(labels: Readonly<Record<string, string>> = { [accountLabel]: "true" }): Secret {
  return {
    metadata: { name: "cluster-gateway", namespace: "a", resourceVersion: "7", labels },
    data: { token: encode("t"), "ca.crt": encode(ca) },
  };
}

/** Everything that makes cluster `a`, reached at its address; a test names only what it is about. */
function makeFacts(overrides: Partial<AddonFacts> = {}): AddonFacts {
  return {
    managedCluster: managedCluster.parse({
      metadata: {
        name: "a",
        uid: "mc",
        creationTimestamp: "2026-01-01T00:00:00Z",
        labels: { x: "y" },
      },
      spec: { managedClusterClientConfigs: [{ url: "https://a:6443", caBundle: encode(ca) }] },
    }),
    addon: makeAddon("cluster-gateway"),
    secret: makeSecret(),
    tunnel: undefined,
    ...overrides,
  };
}

function sourceOf(overrides: Partial<AddonFacts> = {}) {
  const found = foundIn(makeFacts(overrides));
  assert.ok(found.kind === "found", JSON.stringify(found));
  return found.source;
}

const available = (status: "True" | "False") => ({
  ...makeAddon("cluster-proxy"),
  status: {
    conditions: [
      {
        type: "Available",
        status,
        reason: "x",
        message: "",
        lastTransitionTime: "2026-01-01T00:00:00Z",
      },
    ],
  },
});

describe("foundIn()", () => {
  const missing: Readonly<Record<string, readonly [Partial<AddonFacts>, string, RegExp]>> = {
    "a ManagedCluster": [{ managedCluster: undefined }, "unknown", /^$/],
    "the addon": [{ addon: undefined }, "pending", /does not have the addon cluster-gateway/],
    "its Secret": [{ secret: undefined }, "pending", /does not exist/],
    "a label on the Secret": [{ secret: makeSecret({}) }, "pending", /neither label/],
  };
  for (const [name, [overrides, kind, why]] of Object.entries(missing)) {
    it(`says what is missing without ${name}`, () => {
      const found = foundIn(makeFacts(overrides));
      assert.equal(found.kind, kind);
      assert.match(found.kind === "pending" ? found.why : "", why);
    });
  }

  it("is the ManagedCluster, at its address, with the addon's token", () => {
    const { metadata } = sourceOf();
    assert.deepEqual(metadata, {
      name: "a",
      uid: "mc",
      resourceVersion: "7",
      creationTimestamp: "2026-01-01T00:00:00Z",
      labels: { x: "y" },
    });
    const { endpoint, credential, credentialType } = convertCluster(sourceOf());
    assert.ok(endpoint.kind === "const");
    assert.deepEqual([endpoint.url.href, endpoint.isInsecure], ["https://a:6443/", false]);
    assert.deepEqual(
      [credential, credentialType],
      [{ kind: "token", token: "t" }, "ServiceAccountToken"],
    );
  });

  it("goes through the tunnel where that is available, and else to the address", () => {
    assert.equal(convertCluster(sourceOf({ tunnel: available("True") })).endpoint.kind, "tunnel");
    assert.equal(convertCluster(sourceOf({ tunnel: available("False") })).endpoint.kind, "const");
  });

  it("reads health, rules and a forward proxy from the addon", () => {
    const addon = makeAddon("cluster-gateway", {
      "proxy-url": "http://proxy:3128",
      [`status.${group}/healthy`]: "true",
      [`status.${group}/healthy-reason`]: "fine",
      [`${group}/cluster-gateway-proxy-configuration`]: "spec: {}",
    });
    const cluster = convertCluster(sourceOf({ addon }));
    assert.ok(cluster.endpoint.kind === "const");
    assert.equal(cluster.endpoint.proxyUrl?.host, "proxy:3128");
    assert.deepEqual(
      [cluster.isHealthy, cluster.healthyReason, cluster.proxyConfiguration],
      [true, "fine", "spec: {}"],
    );
  });

  it("takes the credential's type from its own label first, and none that runs a command", () => {
    const labelled = (type: string) =>
      sourceOf({
        secret: makeSecret({ [accountLabel]: "true", [`${group}/cluster-credential-type`]: type }),
      });
    assert.equal(labelled("X509Certificate").credentialType, "X509Certificate");
    assert.throws(
      () => convertCluster(labelled("Dynamic")),
      /expected ServiceAccountToken or X509Certificate/,
    );
  });
});

/** A cache that a test fills by hand. */
function makeCache<T extends KubeObject>() {
  const objects = new Map<string, T>();
  const listeners = new Set<(change: CacheChange<T>) => void>();
  return {
    isSynced: true,
    resourceVersion: "7",
    get: (key: string) => objects.get(key),
    onChange(listener: (change: CacheChange<T>) => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    put(key: string, after: T) {
      const before = objects.get(key);
      objects.set(key, after);
      for (const listener of listeners) listener({ key, before, after });
    },
  };
}

function setUp(fail?: Error) {
  const patches: unknown[] = [];
  const caches = {
    secrets: makeCache<Secret>(),
    managedClusters: makeCache<ManagedCluster>(),
    addons: makeCache<KubeObject>(),
    tunnels: makeCache<KubeObject>(),
  };
  const origin = createAddonOrigin({
    ...caches,
    secretName: "cluster-gateway",
    addonType: { group: "addon", version: "v1", plural: "addons", kind: "Addon", namespaced: true },
    client: {
      mergePatch: async (_type, key, patch, _signal, options) => {
        patches.push([key, patch, options?.dryRun]);
        if (fail !== undefined) throw fail;
        return { metadata: { name: "" } } as never;
      },
    },
  });
  const { managedCluster: cluster, addon, secret } = makeFacts();
  const fill = () => {
    if (cluster !== undefined) caches.managedClusters.put("a", cluster);
    if (addon !== undefined) caches.addons.put("a/cluster-gateway", addon);
    if (secret !== undefined) caches.secrets.put("a/cluster-gateway", secret);
  };
  return { caches, origin, fill, patches };
}

describe("createAddonOrigin()", () => {
  it("feeds a store that shows a cluster once all of it is there, and follows each part", () => {
    const { caches, origin, fill } = setUp();
    const store = createClusterStore({ origin, log: silentLogger });
    assert.equal(store.find("a").kind, "unknown");
    fill();
    const shown = store.shown("a");
    assert.ok(shown);
    assert.equal(shown.apiVersion, `${group}/v1alpha1`);
    assert.deepEqual(Object.keys(shown.spec.access), ["endpoint", "credential"]);
    assert.equal(shown.spec.provider, undefined);
    assert.equal(store.find("a").kind, "ready");
    caches.tunnels.put("a/cluster-proxy", available("True"));
    assert.deepEqual(store.shown("a")?.spec.access.endpoint, { type: "ClusterProxy" });
    const rules = { [`${group}/cluster-gateway-proxy-configuration`]: "spec: {a: 1}" };
    caches.addons.put("a/cluster-gateway", makeAddon("cluster-gateway", rules));
    assert.deepEqual(store.shown("a")?.spec.proxyConfig, { spec: { a: 1 } });
  });

  it("keeps health on the addon, and nothing of somebody else's in between", async () => {
    const { origin, fill, patches } = setUp();
    fill();
    const request = { isDryRun: true, signal: new AbortController().signal };
    await origin.keepHealth("a", { healthy: false, healthyReason: "no" }, request);
    const annotations = {
      [`status.${group}/healthy`]: "false",
      [`status.${group}/healthy-reason`]: "no",
    };
    assert.deepEqual(patches, [
      [
        { namespace: "a", name: "cluster-gateway" },
        { metadata: { resourceVersion: "3", annotations } },
        true,
      ],
    ]);
    await assert.rejects(origin.keepHealth("b", { healthy: true, healthyReason: "" }, request), {
      code: "not_found",
    });
  });

  it("tells who was slower to retry", async () => {
    const { origin, fill } = setUp(new ApiError("conflict", "newer"));
    fill();
    const request = { isDryRun: false, signal: new AbortController().signal };
    await assert.rejects(origin.keepHealth("a", { healthy: true, healthyReason: "" }, request), {
      code: "conflict",
    });
  });
});
