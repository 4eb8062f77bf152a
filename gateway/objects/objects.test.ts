import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { defaultClusterGatewayLayout, managedCluster } from "#api";
import type { Cluster } from "../clusters/cluster.ts";
import { secretSource } from "../clusters/secret-origin.ts";
import { clusterGatewayOf } from "./cluster-gateway.ts";
import { renderingFor } from "./rendering.ts";
import { parseSelectors } from "./selector.ts";
import { clusterGatewayColumns, virtualClusterColumns } from "./table.ts";
import { listVirtualClusters } from "./virtual-cluster.ts";

/** A cluster at an address; a test names only what it is about. */
function makeCluster(overrides: Partial<Cluster> = {}): Cluster {
  return {
    name: "managed1",
    credentialType: "X509Certificate",
    credential: { kind: "certificate", cert: "CERT", key: "SECRET-KEY" },
    endpoint: {
      kind: "const",
      url: new URL("https://ann:SECRET-PASSWORD@a:6443/base"),
      ca: "CA",
      isInsecure: false,
      proxyUrl: new URL("http://ann:SECRET-PROXY@proxy:3128"),
    },
    isHealthy: true,
    healthyReason: "",
    connectionFingerprint: "SECRET-FINGERPRINT",
    ...overrides,
  };
}

const secret = {
  metadata: { name: "managed1", resourceVersion: "7", creationTimestamp: "2026-01-01T00:00:00Z" },
};

const shown = (cluster: Cluster, options = {}) =>
  clusterGatewayOf(secretSource(secret, undefined), cluster, options);

const shape = {
  apiVersion: "cluster.core.oam.dev/v1alpha1",
  kind: "ClusterGateway",
  columns: clusterGatewayColumns(
    {
      tunnels: () => 2,
      latencyMs: () => 3.14,
      credentialExpiry: () => new Date("2026-02-01T00:00:00Z"),
    },
    defaultClusterGatewayLayout,
    () => new Date("2026-01-03T05:00:00Z"),
  ),
};

function render(accept: string, query = "") {
  const headers = ["Accept", accept];
  return renderingFor({ headers }, new URLSearchParams(query), shape);
}

describe("clusterGatewayOf()", () => {
  it("shows where a cluster is and how it is reached", () => {
    assert.deepEqual(shown(makeCluster()).spec, {
      provider: "",
      access: {
        endpoint: {
          type: "Const",
          const: {
            address: "https://a:6443/base",
            caBundle: "Q0E=",
            "proxy-url": "http://proxy:3128",
          },
        },
        credential: { type: "X509Certificate" },
      },
    });
  });

  it("shows no secret, whatever the credential", () => {
    const token = { kind: "token", token: "SECRET-TOKEN" } as const;
    for (const cluster of [makeCluster(), makeCluster({ credential: token })]) {
      assert.doesNotMatch(JSON.stringify(shown(cluster)), /SECRET|CERT/);
    }
  });

  it("shows tokens and keys only where an administrator wants upstream's output", () => {
    const options = { showCredentials: true };
    const token = { kind: "token", token: "SECRET-TOKEN" } as const;
    const ofToken = shown(makeCluster({ credential: token }), options).spec.access.credential;
    assert.equal(ofToken?.serviceAccountToken, "SECRET-TOKEN");
    const ofPair = shown(makeCluster(), options).spec.access.credential;
    assert.equal(Buffer.from(ofPair?.x509?.privateKey ?? "", "base64").toString(), "SECRET-KEY");
  });

  it("shows what is wrong with a Secret that makes no cluster", () => {
    const since = new Date("2026-01-01T00:00:00Z");
    const { status, spec } = clusterGatewayOf(secretSource(secret, undefined), {
      code: "bad",
      why: "no key",
      since,
    });
    assert.deepEqual(spec.access.endpoint, { type: "Const" });
    assert.equal(status.healthyReason, "no key");
    assert.deepEqual(status.conditions?.[0], {
      type: "Usable",
      status: "False",
      reason: "InvalidSecret",
      message: "no key",
      lastTransitionTime: "2026-01-01T00:00:00Z",
    });
  });

  it("shows labels and annotations, but not what was applied to the Secret, nor its identity", () => {
    const applied = "kubectl.kubernetes.io/last-applied-configuration";
    const metadata = {
      ...secret.metadata,
      uid: "3a1f0c1e-0000-4000-8000-000000000000",
      labels: { tier: "gold" },
      annotations: {
        note: "x",
        [applied]: "SECRET",
        "cluster.core.oam.dev/last-applied-configuration": "{}",
        "status.cluster.core.oam.dev/healthy": "true",
      },
    };
    const gateway = clusterGatewayOf(secretSource({ metadata }, undefined), makeCluster());
    assert.deepEqual(gateway.metadata.labels, { tier: "gold" });
    assert.deepEqual(gateway.metadata.annotations, { note: "x", [applied]: "{}" });
    assert.match(gateway.metadata.uid ?? "", /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab]/);
    assert.notEqual(gateway.metadata.uid, metadata.uid);
  });

  it("shows nothing but the type of an endpoint behind the tunnel", () => {
    const cluster = makeCluster({ endpoint: { kind: "tunnel", ca: "CA" } });
    assert.deepEqual(shown(cluster).spec.access.endpoint, { type: "ClusterProxy" });
  });
});

describe("renderingFor()", () => {
  const item = shown(makeCluster());
  const tableAccept =
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";

  it("gives kubectl a Table with upstream's columns, further ones in wide output", () => {
    const table = render(tableAccept).many([item], { resourceVersion: "9" }) as {
      apiVersion: string;
      columnDefinitions: { name: string; priority: number }[];
      rows: { cells: unknown[]; object: { kind: string } }[];
      metadata: unknown;
    };
    assert.equal(table.apiVersion, "meta.k8s.io/v1");
    assert.deepEqual(
      table.columnDefinitions.map(({ name, priority }) => [name, priority]),
      [
        ["Name", 0],
        ["Provider", 0],
        ["Credential-Type", 0],
        ["Endpoint-Type", 0],
        ["Healthy", 0],
        ["Tunnels", 1],
        ["Latency", 1],
        ["Token-Expires", 1],
        ["Age", 1],
      ],
    );
    assert.deepEqual(table.rows[0]?.cells, [
      "managed1",
      "",
      "X509Certificate",
      "Const",
      "true",
      "2",
      "3.1ms",
      "2026-02-01T00:00:00",
      "2d5h",
    ]);
    assert.equal(table.rows[0].object.kind, "PartialObjectMetadata");
    assert.deepEqual(table.metadata, { resourceVersion: "9" });
  });

  it("includes as much of the object as is asked", () => {
    const rowOf = (query: string) =>
      (render(tableAccept, query).one(item) as { rows: { object?: unknown }[] }).rows[0];
    assert.equal(rowOf("includeObject=None")?.object, undefined);
    assert.equal(rowOf("includeObject=Object")?.object, item);
    assert.throws(() => render(tableAccept, "includeObject=All"), { code: "bad_request" });
  });

  it("gives the garbage collector the metadata alone", () => {
    const accept =
      "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
    const list = render(accept).many([item], { resourceVersion: "9" }) as {
      kind: string;
      items: { kind: string; spec?: unknown }[];
    };
    assert.equal(list.kind, "PartialObjectMetadataList");
    assert.equal(list.items[0]?.kind, "PartialObjectMetadata");
    assert.equal(list.items[0].spec, undefined);
    assert.deepEqual(render(accept).bookmark({ resourceVersion: "9" }), {
      apiVersion: "meta.k8s.io/v1",
      kind: "PartialObjectMetadata",
      metadata: { resourceVersion: "9" },
    });
  });

  it("describes the columns of a watch once", () => {
    const rendering = render(tableAccept);
    const definitions = [1, 2].map(
      () => (rendering.event(item) as { columnDefinitions: unknown }).columnDefinitions,
    );
    assert.notEqual(definitions[0], null);
    assert.equal(definitions[1], null);
  });

  for (const accept of ["application/json", "*/*", "", "application/yaml, application/json"]) {
    it(`gives plain objects for "${accept}"`, () => {
      assert.equal(render(accept).one(item), item);
      assert.deepEqual(render(accept).many([], { resourceVersion: "9" }), {
        apiVersion: "cluster.core.oam.dev/v1alpha1",
        kind: "ClusterGatewayList",
        metadata: { resourceVersion: "9" },
        items: [],
      });
    });
  }
});

describe("parseSelectors()", () => {
  const metadata = { name: "a", labels: { tier: "gold", "x.io/zone": "eu" } };
  const matches: Readonly<Record<string, boolean>> = {
    "": true,
    "labelSelector=tier%3Dgold": true,
    "labelSelector=tier%3D%3Dgold,x.io/zone%3Deu": true,
    "labelSelector=tier!%3Dgold": false,
    "labelSelector=tier%20in%20(gold,%20silver),!other": true,
    "labelSelector=tier%20notin%20(gold)": false,
    "labelSelector=other%20notin%20(gold)": true,
    "labelSelector=other": false,
    "fieldSelector=metadata.name%3Da": true,
    "fieldSelector=metadata.name%3Db": false,
    "fieldSelector=metadata.name!%3Db": true,
  };
  for (const [query, want] of Object.entries(matches)) {
    it(`${want ? "takes" : "leaves"} it for "${query}"`, () => {
      assert.equal(parseSelectors(new URLSearchParams(query))(metadata), want);
    });
  }
  for (const query of ["labelSelector=a%20like%20b", "fieldSelector=spec.provider%3Da"]) {
    it(`refuses "${query}"`, () => {
      assert.throws(() => parseSelectors(new URLSearchParams(query)), { code: "bad_request" });
    });
  }
});

describe("listVirtualClusters()", () => {
  const labels = {
    "cluster.core.oam.dev/cluster-credential-type": "ServiceAccountToken",
    "cluster.core.oam.dev/cluster-endpoint-type": "ClusterProxy",
    key: "value",
  };
  const secret = { metadata: { name: "a", labels, creationTimestamp: "2026-01-02T00:00:00Z" } };
  const ocm = (name: string, url: string | undefined) =>
    managedCluster.parse({
      metadata: { name, creationTimestamp: "2026-01-03T00:00:00Z" },
      spec: {
        hubAcceptsClient: true,
        managedClusterClientConfigs: url === undefined ? [] : [{ url }],
      },
    });

  it("puts the hub first, then the newest, Secrets before ManagedClusters of their name", () => {
    const listed = listVirtualClusters(
      [secret, { metadata: { name: "invalid" } }],
      [ocm("a", "https://a"), ocm("b", "https://b"), ocm("bad", undefined)],
    );
    assert.deepEqual(
      listed.map(({ metadata, spec }) => [metadata.name, spec["credential-type"], spec.endpoint]),
      [
        ["local", "Internal", "-"],
        ["b", "ManagedCluster", "-"],
        ["a", "ServiceAccountToken", "ClusterProxy"],
      ],
    );
  });

  it("keeps foreign labels and tells the hub from the others", () => {
    const [local, a = local] = listVirtualClusters([secret], []);
    const key = "cluster.core.oam.dev/control-plane";
    assert.deepEqual(local?.metadata.labels, { [key]: "true" });
    assert.deepEqual(a?.metadata.labels, { key: "value", [key]: "false" });
    const cells = virtualClusterColumns.map(({ cell }) => cell(a));
    assert.deepEqual(cells.slice(0, 5), ["a", "", "ServiceAccountToken", "ClusterProxy", true]);
  });
});
