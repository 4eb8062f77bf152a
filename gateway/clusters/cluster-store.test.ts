import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { type ManagedCluster, managedCluster, type Secret } from "#api";
import type { CacheChange } from "#kube";
import { silentLogger } from "#runtime";
import { makeAuthority } from "#testing";
import { createClusterStore } from "./cluster-store.ts";
import { createSecretOrigin } from "./secret-origin.ts";

let ca = "";
before(async () => {
  ca = (await makeAuthority()).caPem;
});

/** A cache that a test fills by hand. */
function makeCache<T extends Secret | ManagedCluster>() {
  const objects = new Map<string, T>();
  const listeners = new Set<(change: CacheChange<T>) => void>();
  const cache = {
    isSynced: false,
    resourceVersion: "",
    get: (key: string) => objects.get(key),
    list: () => [...objects.values()],
    onChange(listener: (change: CacheChange<T>) => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    put(key: string, after: T | undefined, version: string) {
      const before = objects.get(key);
      if (after === undefined) objects.delete(key);
      else objects.set(key, after);
      cache.resourceVersion = version;
      for (const listener of listeners) listener({ key, before, after });
    },
  };
  return cache;
}

function makeSecret(name: string, resourceVersion: string, token = "t"): Secret {
  const encode = (text: string) => Buffer.from(text).toString("base64");
  return {
    metadata: {
      name,
      namespace: "ns",
      resourceVersion,
      labels: {
        "cluster.core.oam.dev/cluster-credential-type": "ServiceAccountToken",
        "cluster.core.oam.dev/cluster-endpoint-type": "ClusterProxy",
      },
    },
    data: { "ca.crt": encode(ca), token: encode(token) },
  };
}

function originOf(
  secrets: ReturnType<typeof makeCache<Secret>>,
  managedClusters?: ReturnType<typeof makeCache<ManagedCluster>>,
) {
  const client = { replace: () => Promise.reject(new Error("nothing is written here")) };
  return createSecretOrigin({ secrets, managedClusters, secretNamespace: "ns", client });
}

function makeStore() {
  const secrets = makeCache<Secret>();
  const managedClusters = makeCache<ManagedCluster>();
  const store = createClusterStore({
    origin: originOf(secrets, managedClusters),
    log: silentLogger,
  });
  const put = (name: string, version: string, token?: string) =>
    secrets.put(`ns/${name}`, makeSecret(name, version, token), version);
  const sync = () => {
    secrets.isSynced = true;
    managedClusters.isSynced = true;
  };
  return { secrets, managedClusters, store, put, sync };
}

describe("ClusterStore", () => {
  it("knows clusters by name, sorted, and why others cannot be used", () => {
    const { secrets, managedClusters, store, put } = makeStore();
    put("b", "1");
    put("a", "2");
    put("pending", "3", "");
    secrets.put("ns/bad", { ...makeSecret("bad", "4"), data: {} }, "4");
    managedClusters.put("new", managedCluster.parse({ metadata: { name: "new" } }), "5");
    assert.deepEqual(
      store
        .list()
        .map(({ metadata, status }) => [metadata.name, status.conditions?.[0]?.reason ?? "usable"]),
      [
        ["a", "usable"],
        ["b", "usable"],
        ["bad", "InvalidSecret"],
        ["pending", "CredentialPending"],
      ],
    );
    const kinds = ["a", "pending", "bad", "new", "none"].map((name) => store.find(name).kind);
    assert.deepEqual(kinds, ["ready", "pending", "unusable", "pending", "unknown"]);
    secrets.put("ns/a", undefined, "6");
    assert.equal(store.find("a").kind, "unknown");
  });

  it("takes its version from the Secrets alone, whose order is the same for every replica", () => {
    const { managedClusters, store, put } = makeStore();
    put("a", "9");
    managedClusters.put("a", managedCluster.parse({ metadata: { name: "a" } }), "10");
    assert.equal(store.version(), "9");
  });

  it("tells of a new address to everyone who may not have seen it", () => {
    const { secrets, managedClusters, store, sync } = makeStore();
    const { "ca.crt": _ca, ...data } = makeSecret("a", "5").data ?? {};
    const { metadata } = makeSecret("a", "5");
    const labels = { "cluster.core.oam.dev/cluster-credential-type": "ServiceAccountToken" };
    secrets.put("ns/a", { metadata: { ...metadata, labels }, data }, "5");
    sync();
    const at = (url: string) =>
      managedCluster.parse({
        metadata: { name: "a", resourceVersion: "99" },
        spec: { managedClusterClientConfigs: [{ url }] },
      });
    managedClusters.put("a", at("https://a"), "99");
    const seen = store.changes.since(store.version()) ?? [];
    assert.deepEqual(
      seen.map(({ type, resourceVersion }) => [type, resourceVersion]),
      [["MODIFIED", "5"]],
    );
    assert.equal(store.shown("a")?.spec.access.endpoint.const?.address, "https://a");
  });

  it("tells once of a Secret that is wrong, until it is wrong in another way", () => {
    const told: string[] = [];
    const secrets = makeCache<Secret>();
    createClusterStore({
      origin: originOf(secrets),
      log: silentLogger,
      onFault: ({ metadata }, why) => told.push(`${metadata.name}: ${why}`),
    });
    const bad = { ...makeSecret("bad", "4"), data: {} };
    secrets.put("ns/bad", bad, "4");
    secrets.put("ns/bad", { ...bad, metadata: { ...bad.metadata, resourceVersion: "5" } }, "5");
    assert.equal(told.length, 1);
    assert.match(told[0] ?? "", /^bad: key ca.crt is missing/);
  });

  it("tells a watch what came after the version that a list had", () => {
    const { secrets, store, put, sync } = makeStore();
    put("a", "5");
    sync();
    const from = store.version();
    put("b", "6");
    put("a", "7", "other");
    secrets.put("ns/b", undefined, "8");
    const changes = store.changes
      .since(from)
      ?.map((change) => [change.type, change.item.metadata.name, change.resourceVersion]);
    assert.deepEqual(changes, [
      ["ADDED", "b", "6"],
      ["MODIFIED", "a", "7"],
      ["DELETED", "b", "8"],
    ]);
    assert.deepEqual(store.changes.since("8"), []);
    assert.equal(store.changes.since("4"), undefined);
  });

  it("tells nothing when only OCM's conditions have changed", () => {
    const { managedClusters, store, put, sync } = makeStore();
    put("a", "5");
    sync();
    const from = store.version();
    const beat = (version: string) =>
      managedCluster.parse({ metadata: { name: "a", resourceVersion: version } });
    managedClusters.put("a", beat("6"), "6");
    assert.deepEqual(store.changes.since(from), []);
  });

  it("calls back with what a cluster is now", () => {
    const { secrets, store, put } = makeStore();
    const seen: unknown[] = [];
    store.onChange((name, cluster) => seen.push([name, cluster?.credentialType]));
    put("a", "1");
    secrets.put("ns/a", undefined, "2");
    assert.deepEqual(seen, [
      ["a", "ServiceAccountToken"],
      ["a", undefined],
    ]);
  });
});
