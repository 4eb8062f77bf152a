import { describe, it } from "node:test";
import { type Manifest, managedProxyConfiguration, permissionPolicy } from "#api";
import { managedRights } from "./cluster-gateway/managed-rights.ts";
import { agentManifests as tunnelAgent } from "./cluster-proxy/agent-manifests.ts";
import { agentManifests as tokenAgent } from "./managed-serviceaccount/agent-manifests.ts";
import { assertGolden } from "./testdata/golden.ts";

const { spec } = managedProxyConfiguration.parse({
  metadata: { name: "cluster-proxy" },
  spec: {
    authentication: {},
    proxyServer: { image: "hub:v1", namespace: "addons" },
    proxyAgent: { image: "agent:v1", additionalArgs: ["--v=4"], imagePullSecrets: ["pull"] },
  },
});

const cases: Readonly<Record<string, readonly Manifest[]>> = {
  "cluster-proxy": tunnelAgent({
    clusterName: "c1",
    namespace: "open-cluster-management-cluster-proxy",
    spec,
    entrypoint: { host: "127.0.0.1", port: 8091, isPortForward: true },
    caPem: "CA",
    httpsProxyCaPem: "",
    replicas: 2,
    serviceDomain: "svc.cluster.local",
    isKubeApiProxied: true,
    serviceProxy: undefined,
  }),
  "cluster-proxy-with-services": tunnelAgent({
    clusterName: "c1",
    namespace: "open-cluster-management-cluster-proxy",
    spec,
    entrypoint: { host: "127.0.0.1", port: 8091, isPortForward: true },
    caPem: "CA",
    httpsProxyCaPem: "",
    replicas: 1,
    serviceDomain: "svc.cluster.local",
    isKubeApiProxied: true,
    serviceProxy: {
      isImpersonating: true,
      userServerCaPem: "CA of the user server",
      exposed: [{ namespace: "monitoring", service: "grafana", port: "3000", protocol: "http" }],
      additionalCaConfigMap: "more-authorities",
      additionalArgs: ["--v=3"],
    },
  }),
  "cluster-proxy-without-api": tunnelAgent({
    clusterName: "c1",
    namespace: "open-cluster-management-agent-addon",
    spec,
    entrypoint: { host: "hub.example", port: 443, isPortForward: false },
    caPem: "CA",
    httpsProxyCaPem: "CA of the proxy",
    replicas: 1,
    serviceDomain: "svc.cluster.local",
    isKubeApiProxied: false,
    serviceProxy: undefined,
  }),
  "managed-serviceaccount": tokenAgent({
    clusterName: "c1",
    namespace: "open-cluster-management-agent-addon",
    image: "agent:v1",
    pullSecretData: undefined,
    httpsProxyCaPem: "",
    policy: undefined,
    replicas: 1,
    monitorLabels: undefined,
    endsEphemeral: false,
  }),
  "managed-serviceaccount-with-pull-secret": tokenAgent({
    clusterName: "c1",
    namespace: "elsewhere",
    image: "agent:v1",
    pullSecretData: "e30=",
    httpsProxyCaPem: "CA of the proxy",
    policy: undefined,
    replicas: 1,
    monitorLabels: undefined,
    endsEphemeral: false,
  }),
  "managed-serviceaccount-with-permission-policy": tokenAgent({
    clusterName: "c1",
    namespace: "open-cluster-management-agent-addon",
    image: "agent:v1",
    pullSecretData: undefined,
    httpsProxyCaPem: "",
    endsEphemeral: false,
    policy: permissionPolicy.parse([
      { clusterRoles: ["view", "edit"], namespaces: ["team-*"] },
      { accounts: ["reader"], clusterRoles: ["view"], roles: ["*"], clusterWide: true },
      { rules: [{ apiGroups: [""], resources: ["configmaps"], verbs: ["get", "list"] }] },
    ]),
    replicas: 2,
    monitorLabels: { team: "a" },
  }),
  "cluster-gateway": managedRights({
    namespace: "open-cluster-management-agent-addon",
    name: "cluster-gateway",
  }),
};

describe("manifests for a managed cluster", () => {
  for (const [name, manifests] of Object.entries(cases)) {
    it(`of ${name} are as the golden file says`, (context) => {
      assertGolden(context, manifests, new URL(`testdata/managed/${name}.yaml`, import.meta.url));
    });
  }
});
