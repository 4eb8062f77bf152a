import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { aggregatedDiscovery, aggregatedVersion, resourceList } from "./documents.ts";
import { openapiV2, openapiV3 } from "./openapi.ts";

describe("resourceList()", () => {
  const listed = (isWritable: boolean) =>
    (resourceList(isWritable) as { resources: { name: string; kind: string; verbs: string[] }[] })
      .resources;

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
    const { items } = aggregatedDiscovery("v2", false) as {
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
  const documents = { openapiV2: openapiV2(true), openapiV3: openapiV3(true) };
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
