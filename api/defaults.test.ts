import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { clusterGatewayConfigurations } from "./cluster-gateway-configuration.ts";
import { managedProxyConfigurations } from "./managed-proxy-configuration.ts";
import { managedServiceAccounts } from "./managed-service-account.ts";
import { managedClusterAddOns } from "./ocm/managed-cluster-addon.ts";
import { manifestWorks } from "./ocm/manifest-work.ts";

const metadata = { name: "x", uid: "1" };

describe("managedServiceAccounts", () => {
  it("takes an absent spec and status as all defaults", () => {
    const { spec, status } = managedServiceAccounts.parse({ metadata });
    assert.deepEqual(spec, { rotation: { enabled: true, validity: "8640h0m0s" } });
    assert.deepEqual(status, { conditions: [] });
  });

  it("reads an object that the server's rules would refuse today", () => {
    const spec = { rotation: { validity: "soon" } };
    assert.equal(managedServiceAccounts.parse({ metadata, spec }).spec.rotation.validity, "soon");
  });
});

describe("managedProxyConfigurations", () => {
  const least = {
    authentication: {},
    proxyServer: { image: "server" },
    proxyAgent: { image: "agent" },
  };

  it("fills every default of the least spec", () => {
    const { spec } = managedProxyConfigurations.parse({ metadata, spec: least });
    assert.equal(spec.proxyServer.replicas, 3);
    assert.equal(spec.proxyServer.inClusterServiceName, "proxy-entrypoint");
    assert.equal(spec.proxyServer.namespace, "open-cluster-management-cluster-proxy");
    assert.equal(spec.proxyServer.entrypoint.type, "PortForward");
    assert.equal(spec.proxyServer.entrypoint.port, 8091);
    assert.equal(spec.proxyAgent.replicas, 3);
    assert.deepEqual(spec.authentication.dump.secrets, {
      signingProxyServerSecretName: "proxy-server",
      signingProxyClientSecretName: "proxy-client",
      signingAgentServerSecretName: "agent-server",
    });
    assert.equal(spec.userServer, undefined);
  });

  const wrong = [
    { name: "no image", proxyServer: {}, at: ["spec", "proxyServer", "image"] },
    {
      name: "an unknown entrypoint",
      proxyServer: { image: "i", entrypoint: { type: "Magic" } },
      at: ["spec", "proxyServer", "entrypoint", "type"],
    },
    {
      name: "port 0",
      proxyServer: { image: "i", entrypoint: { type: "PortForward", port: 0 } },
      at: ["spec", "proxyServer", "entrypoint", "port"],
    },
  ];
  for (const { name, proxyServer, at } of wrong) {
    it(`refuses ${name}, naming the field`, () => {
      assert.throws(
        () => managedProxyConfigurations.parse({ metadata, spec: { ...least, proxyServer } }),
        (error: { issues: { path: string[] }[] }) => {
          assert.deepEqual(
            error.issues.map(({ path }) => path),
            [at],
          );
          return true;
        },
      );
    });
  }
});

describe("clusterGatewayConfigurations", () => {
  it("fills every default of the least spec", () => {
    const { spec } = clusterGatewayConfigurations.parse({
      metadata,
      spec: {
        image: "gateway",
        secretNamespace: "secrets",
        installNamespace: "gateways",
        secretManagement: {},
        egress: { type: "Direct" },
      },
    });
    assert.equal(spec.replicas, 1);
    assert.deepEqual(spec.secretManagement, {
      type: "ManagedServiceAccount",
      managedServiceAccount: { name: "cluster-gateway" },
    });
    assert.deepEqual(spec.clusterGateways, { writable: true, showCredentials: false });
    assert.deepEqual(spec.dynamicCredentials, { allowedCommands: [], allowedVariables: [] });
  });
});

describe("kinds of OCM", () => {
  it("keep the fields that we do not know", () => {
    const { spec, status } = managedClusterAddOns.v1beta1.parse({
      metadata: { ...metadata, managedFields: [] },
      spec: { later: 1 },
      status: { registrations: [{ type: "kubeClient", later: 2 }], later: 3 },
    });
    assert.deepEqual(spec, { later: 1 });
    assert.deepEqual(status["registrations"], [{ type: "kubeClient", later: 2 }]);
    assert.equal(status["later"], 3);
  });

  it("take what Go writes for an unset pointer", () => {
    const { status } = managedClusterAddOns.v1alpha1.parse({
      metadata,
      status: {
        configReferences: [{ group: "g", resource: "r", desiredConfig: null, name: "n" }],
        healthCheck: {},
      },
    });
    assert.equal(status.configReferences?.[0]?.desiredConfig, null);
  });

  it("read a ManifestWork that nobody has worked on", () => {
    const { status } = manifestWorks.parse({ metadata, spec: { workload: {} } });
    assert.deepEqual(status, { conditions: [], resourceStatus: {} });
  });
});
