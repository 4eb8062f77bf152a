import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { clusterGatewayLayouts, defaultClusterGatewayLayout } from "#api";
import { aggregatedDiscovery, aggregatedVersion, resourceList } from "./documents.ts";
import { openapiV2, openapiV3, openapiV3Index } from "./openapi.ts";
import type { ServedApi } from "./served-api.ts";

const served = (isWritable: boolean): ServedApi => ({
  layout: defaultClusterGatewayLayout,
  isWritable,
});
const fork: ServedApi = {
  layout: clusterGatewayLayouts["gateway.open-cluster-management.io"],
  isWritable: false,
};

describe("resourceList()", () => {
  const listed = (isWritable: boolean) =>
    (
      resourceList(served(isWritable)) as {
        resources: { name: string; kind: string; verbs: string[] }[];
      }
    ).resources;

  it("has upstream's resources and verbs, and watch", () => {
    assert.deepEqual(
      listed(false).map(({ name, kind, verbs }) => `${name} ${kind} ${verbs.join()}`),
      [
        "clustergateways ClusterGateway get,list,watch",
        "clustergateways/health ClusterGateway get,patch,update",
        "clustergateways/proxy ClusterGatewayProxyOptions create,delete,get,patch,update",
        "virtualclusters VirtualCluster get,list",
      ],
    );
  });

  it("has all verbs where ClusterGateways can be written", () => {
    const [gateways] = listed(true);
    assert.equal(
      gateways?.verbs.join(),
      "create,delete,deletecollection,get,list,patch,update,watch",
    );
  });
});

describe("aggregatedVersion()", () => {
  const aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
  const cases: Readonly<Record<string, string | undefined>> = {
    [`${aggregated},application/json`]: "v2",
    [`${aggregated.replace("v2", "v2beta1")},application/json`]: "v2beta1",
    [`${aggregated.replace("v2", "v9")}, ${aggregated}`]: "v2",
    [`application/json,${aggregated}`]: undefined,
    "application/json": undefined,
    "": undefined,
  };
  for (const [accept, want] of Object.entries(cases)) {
    it(`is ${want ?? "none"} for "${accept}"`, () => {
      assert.equal(aggregatedVersion(accept), want);
    });
  }
});

describe("aggregatedDiscovery()", () => {
  it("nests subresources under their resources", () => {
    const { items } = aggregatedDiscovery("v2", served(false)) as {
      items: { versions: { resources: { resource: string; subresources?: unknown[] }[] }[] }[];
    };
    const resources = items[0]?.versions[0]?.resources ?? [];
    assert.deepEqual(
      resources.map(({ resource, subresources = [] }) => [resource, subresources.length]),
      [
        ["clustergateways", 2],
        ["virtualclusters", 0],
      ],
    );
  });
});

describe("OpenAPI documents", () => {
  const documents = {
    openapiV2: openapiV2(served(true)),
    openapiV3: openapiV3(served(true)),
    "openapiV2 of the other layout": openapiV2(fork),
    "openapiV3 of the other layout": openapiV3(fork),
  };
  for (const [name, document] of Object.entries(documents)) {
    it(`${name} refers to no schema that it does not have`, () => {
      const text = JSON.stringify(document);
      const references = text.matchAll(/"#\/(?:definitions|components\/schemas)\/([^"]+)"/g);
      for (const [, reference = ""] of references) {
        assert.ok(text.includes(`"${reference}":{`), reference);
      }
    });

    it(`${name} gives every operation a name of its own`, () => {
      const ids = [...JSON.stringify(document).matchAll(/"operationId":"(\w+)"/g)].map(
        ([id]) => id,
      );
      assert.equal(new Set(ids).size, ids.length);
    });
  }
});

describe("the documents of another layout", () => {
  it("name its group and version everywhere, and the other nowhere", () => {
    for (const document of [
      resourceList(fork),
      aggregatedDiscovery("v2", fork),
      openapiV2(fork),
      openapiV3(fork),
      openapiV3Index(fork),
    ]) {
      const text = JSON.stringify(document);
      assert.match(text, /gateway.open-cluster-management.io/);
      assert.doesNotMatch(text, /oam|[Vv]irtual[Cc]luster/);
    }
  });

  it("have clusters with identity rules and without a provider, as upstream has them", () => {
    const { definitions } = openapiV2(fork) as {
      definitions: Record<string, { properties?: object }>;
    };
    const prefix = "com.github.kluster-manager.cluster-gateway.pkg.apis.gateway.v1alpha1";
    const spec = definitions[`${prefix}.ClusterGatewaySpec`]?.properties;
    assert.deepEqual(Object.keys(spec ?? {}), ["proxyConfig", "access"]);
  });
});
