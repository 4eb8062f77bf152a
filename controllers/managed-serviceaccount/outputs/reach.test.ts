import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { clusterGatewayLayouts, defaultClusterGatewayLayout, managedClusters } from "#api";
import { gatewayDoorOf, type ReachFacts, reachOf } from "./reach.ts";

const service = { name: "cluster-gateway", namespace: "vela-system", port: 9443 };
const registration = { metadata: { name: "a" }, spec: { service, caBundle: "Q0E=" } };
const { apiVersion } = defaultClusterGatewayLayout;
const path = "/apis/cluster.core.oam.dev/v1alpha1/clustergateways/managed1/proxy";

const clusterWith = (...configs: readonly { readonly url: string; readonly caBundle?: string }[]) =>
  managedClusters.parse({
    metadata: { name: "managed1" },
    spec: { managedClusterClientConfigs: configs },
  });
const facts: ReachFacts = {
  cluster: "managed1",
  managedCluster: clusterWith({ url: "https://api.one:6443/", caBundle: "T25l" }),
  gateway: gatewayDoorOf(defaultClusterGatewayLayout, registration, ""),
};

describe("gatewayDoorOf()", () => {
  it("is the Service of the gateway's registration, with the authority that is written there", () => {
    const server = "https://cluster-gateway.vela-system.svc:9443";
    assert.deepEqual(gatewayDoorOf(defaultClusterGatewayLayout, registration, ""), {
      apiVersion,
      server,
      caData: "Q0E=",
    });
  });

  it("is the address that clients elsewhere use, with the name in the gateway's certificate", () => {
    assert.deepEqual(
      gatewayDoorOf(defaultClusterGatewayLayout, registration, "https://gw.example.com/"),
      {
        apiVersion,
        server: "https://gw.example.com",
        caData: "Q0E=",
        tlsServerName: "cluster-gateway.vela-system.svc",
      },
    );
  });

  const none = [
    { name: "no registration", given: undefined },
    { name: "a kind that the hub serves itself", given: { metadata: { name: "a" }, spec: {} } },
    { name: "no authority", given: { metadata: { name: "a" }, spec: { service } } },
    {
      name: "an empty authority",
      given: { metadata: { name: "a" }, spec: { service, caBundle: "" } },
    },
  ];
  for (const { name, given } of none) {
    it(`is none with ${name}: no client may go there unverified`, () => {
      assert.equal(
        gatewayDoorOf(defaultClusterGatewayLayout, given, "https://gw.example.com"),
        undefined,
      );
    });
  }
});

describe("reachOf()", () => {
  it("leads through the gateway to the proxy of the cluster", () => {
    const server = `https://cluster-gateway.vela-system.svc:9443${path}`;
    assert.deepEqual(reachOf("Gateway", facts), {
      kind: "reachable",
      reach: { server, caData: "Q0E=" },
    });
  });

  it("leads through whichever group the gateway serves", () => {
    const layout = clusterGatewayLayouts["gateway.open-cluster-management.io"];
    const gateway = gatewayDoorOf(layout, registration, "https://gw");
    const found = reachOf("Gateway", { ...facts, gateway });
    assert.ok(found.kind === "reachable");
    const path = "/apis/gateway.open-cluster-management.io/v1alpha1/clustergateways/managed1/proxy";
    assert.equal(found.reach.server, `https://gw${path}`);
  });

  it("leads directly to the address that the cluster's owner has told the hub", () => {
    assert.deepEqual(reachOf("Direct", facts), {
      kind: "reachable",
      reach: { server: "https://api.one:6443", caData: "T25l" },
    });
  });

  it("leaves the authority to the system where the owner names none", () => {
    const managedCluster = clusterWith({ url: "http://plain" }, { url: "https://api.two" });
    assert.deepEqual(reachOf("Direct", { ...facts, managedCluster }), {
      kind: "reachable",
      reach: { server: "https://api.two" },
    });
  });

  const missing: readonly {
    readonly via: "Gateway" | "Direct";
    readonly without: Partial<ReachFacts>;
    readonly reason: string;
    readonly says: RegExp;
  }[] = [
    {
      via: "Gateway",
      without: { gateway: undefined },
      reason: "GatewayMissing",
      says: /APIService v1alpha1\.cluster\.core\.oam\.dev.*via: Direct/,
    },
    {
      via: "Direct",
      without: { managedCluster: undefined },
      reason: "EndpointUnknown",
      says: /ManagedCluster managed1 .*\(none\).*via: Gateway/,
    },
    {
      via: "Direct",
      without: { managedCluster: clusterWith({ url: "http://plain" }) },
      reason: "EndpointUnknown",
      says: /\(http:\/\/plain\)/,
    },
  ];
  for (const { via, without, reason, says } of missing) {
    it(`says ${reason}, and how to go on, for ${via} when ${String(says)}`, () => {
      const verdict = reachOf(via, { ...facts, ...without });
      assert.ok(verdict.kind === "unreachable");
      assert.equal(verdict.reason, reason);
      assert.match(verdict.message, says);
    });
  }
});
