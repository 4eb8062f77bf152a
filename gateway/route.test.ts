import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { clusterGatewayLayouts, defaultClusterGatewayLayout } from "#api";
import { createRouter, type Route } from "./route.ts";

const router = createRouter(defaultClusterGatewayLayout);
const other = createRouter(clusterGatewayLayouts["gateway.open-cluster-management.io"]);

const root = "/apis/cluster.core.oam.dev/v1alpha1";
const gateways = `${root}/clustergateways`;

const routes: Readonly<Record<string, Route>> = {
  "/healthz": { kind: "health", check: "healthz" },
  "/readyz": { kind: "health", check: "readyz" },
  "/livez?verbose": { kind: "health", check: "livez" },
  "/": { kind: "document", document: "index" },
  "/apis": { kind: "document", document: "groups" },
  "/apis/": { kind: "document", document: "groups" },
  "/apis/cluster.core.oam.dev": { kind: "document", document: "group" },
  [root]: { kind: "document", document: "resources" },
  "/openapi/v2?timeout=32s": { kind: "document", document: "openapiV2" },
  [`/openapi/v3${root}?hash=1`]: { kind: "document", document: "openapiV3Group" },
  "/version": { kind: "document", document: "version" },
  "/metrics": { kind: "metrics" },
  [`${gateways}?limit=500`]: {
    kind: "collection",
    resource: "clustergateways",
    query: "?limit=500",
  },
  [`${gateways}/`]: { kind: "collection", resource: "clustergateways", query: "" },
  [`${gateways}/a.b`]: { kind: "object", resource: "clustergateways", name: "a.b", query: "" },
  [`${root}/virtualclusters/local`]: {
    kind: "object",
    resource: "virtualclusters",
    name: "local",
    query: "",
  },
  [`${gateways}/a/health`]: { kind: "clusterHealth", name: "a", query: "" },
  [`${gateways}/a/proxy`]: { kind: "proxy", name: "a", rest: "", query: "" },
  [`${gateways}/a/proxy/`]: { kind: "proxy", name: "a", rest: "/", query: "" },
  [`${gateways}/a/proxy/api/v1/?dryRun=All&x=%2F`]: {
    kind: "proxy",
    name: "a",
    rest: "/api/v1/",
    query: "?dryRun=All&x=%2F",
  },
  [`${gateways}/a%2Fb/proxy/x%2Fy`]: { kind: "proxy", name: "a/b", rest: "/x%2Fy", query: "" },
};

const unknown: readonly string[] = [
  "/api",
  "/apis/other/v1",
  `${root}/secrets`,
  `${gateways}/a/health/b`,
  `${gateways}/a/status`,
  `${root}/virtualclusters/a/proxy/b`,
  `${gateways}//proxy/b`,
  "//apis",
];

describe("routeOf()", () => {
  for (const [target, want] of Object.entries(routes)) {
    it(`reads ${target}`, () => assert.deepEqual(router.routeOf(target), want));
  }
  for (const path of unknown) {
    it(`knows nothing of ${path}`, () => {
      assert.deepEqual(router.routeOf(path), { kind: "unknown", path });
    });
  }
});

describe("attributesOf()", () => {
  const verbs: readonly (readonly [method: string, target: string, want: string])[] = [
    ["GET", `${gateways}/a/proxy/api`, "get clustergateways/proxy a"],
    ["HEAD", `${gateways}/a/proxy/api`, "get clustergateways/proxy a"],
    ["POST", `${gateways}/a/proxy/api`, "create clustergateways/proxy a"],
    ["PUT", `${gateways}/a/proxy/api`, "update clustergateways/proxy a"],
    ["PATCH", `${gateways}/a/proxy/api`, "patch clustergateways/proxy a"],
    ["DELETE", `${gateways}/a/proxy/api`, "delete clustergateways/proxy a"],
    ["OPTIONS", `${gateways}/a/proxy/api`, " clustergateways/proxy a"],
    ["GET", gateways, "list clustergateways/ "],
    ["GET", `${gateways}?watch=true`, "watch clustergateways/ "],
    ["GET", `${gateways}?watch=`, "watch clustergateways/ "],
    ["GET", `${gateways}?watch=0`, "list clustergateways/ "],
    ["DELETE", gateways, "deletecollection clustergateways/ "],
    ["PUT", `${gateways}/a/health`, "update clustergateways/health a"],
  ];
  for (const [method, target, want] of verbs) {
    it(`${method} ${target} is "${want.trim()}"`, () => {
      const attributes = router.attributesOf(router.routeOf(target), method);
      assert.ok(attributes?.kind === "resource");
      const { verb, resource, subresource, name } = attributes;
      assert.equal(`${verb} ${resource}/${subresource} ${name}`, want);
    });
  }
  it("asks nothing for discovery, so that the hub's never waits for ours", () => {
    assert.equal(router.attributesOf(router.routeOf("/apis"), "GET"), undefined);
  });
});

describe("the router of another layout", () => {
  const theirs = "/apis/gateway.open-cluster-management.io/v1alpha1";

  it("knows its own group, and not the other", () => {
    const target = `${theirs}/clustergateways/a/proxy/api?x`;
    assert.deepEqual(other.routeOf(target), {
      kind: "proxy",
      name: "a",
      rest: "/api",
      query: "?x",
    });
    assert.equal(other.routeOf(root).kind, "unknown");
    assert.equal(router.routeOf(target).kind, "unknown");
  });

  it("has no VirtualClusters where its layout has none", () => {
    for (const path of [`${theirs}/virtualclusters`, `${theirs}/virtualclusters/local`]) {
      assert.deepEqual(other.routeOf(path), { kind: "unknown", path });
    }
  });

  it("asks the hub about its own group", () => {
    const attributes = other.attributesOf(
      other.routeOf(`${theirs}/clustergateways/a/health`),
      "PUT",
    );
    assert.deepEqual(attributes, {
      kind: "resource",
      verb: "update",
      group: "gateway.open-cluster-management.io",
      version: "v1alpha1",
      resource: "clustergateways",
      subresource: "health",
      name: "a",
    });
  });
});
