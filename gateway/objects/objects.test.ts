import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { managedCluster } from "#api";
import type { Cluster } from "../clusters/cluster.ts";
import { clusterGatewayOf } from "./cluster-gateway.ts";
import { renderingFor } from "./rendering.ts";
import { parseSelectors } from "./selector.ts";
import { clusterGatewayColumns, virtualClusterColumns } from "./table.ts";
import { listVirtualClusters } from "./virtual-cluster.ts";

/** A cluster at an address; a test names only what it is about. */
function makeCluster(overrides: Partial<Cluster> = {}): Cluster {
  return {
    name: "managed1",
    creationTimestamp: "2026-01-01T00:00:00Z",
    resourceVersion: "7",
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

const shape = {
  apiVersion: "cluster.core.oam.dev/v1alpha1",
  listKind: "ClusterGatewayList",
  columns: clusterGatewayColumns,
};

function render(accept: string, query = "") {
  const headers = ["Accept", accept];
  return renderingFor({ headers }, new URLSearchParams(query), shape);
}

describe("clusterGatewayOf()", () => {
  it("shows where a cluster is and how it is reached", () => {
    assert.deepEqual(clusterGatewayOf(makeCluster()).spec, {
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
      assert.doesNotMatch(JSON.stringify(clusterGatewayOf(cluster)), /SECRET|CERT/);
    }
  });

  it("shows nothing but the type of an endpoint behind the tunnel", () => {
    const cluster = makeCluster({ endpoint: { kind: "tunnel", ca: "CA" } });
    assert.deepEqual(clusterGatewayOf(cluster).spec.access.endpoint, { type: "ClusterProxy" });
  });
});

describe("renderingFor()", () => {
  const item = clusterGatewayOf(makeCluster());
  const tableAccept =
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";

  it("gives kubectl a Table with upstream's columns, further ones in wide output", () => {
    const table = render(tableAccept).many([item], "9") as {
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
        ["Healthy", 1],
        ["Age", 1],
      ],
    );
    assert.deepEqual(table.rows[0]?.cells, [
      "managed1",
      "",
      "X509Certificate",
      "Const",
      "true",
      "2026-01-01T00:00:00Z",
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

  for (const accept of ["application/json", "*/*", "", "application/yaml, application/json"]) {
    it(`gives plain objects for "${accept}"`, () => {
      assert.equal(render(accept).one(item), item);
      assert.deepEqual(render(accept).many([], "9"), {
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
