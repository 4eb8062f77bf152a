import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addOnDeploymentConfig, type Manifest } from "#api";
import type { ObjectCache } from "#kube";
import { createAuthority, loadAuthority } from "#pki";
import { applyDeploymentConfig } from "../addon/rendering/deployment-config.ts";
import { makeCluster } from "../testdata/makers.ts";
import { clusterProxyDefinition } from "./definition.ts";

const now = new Date("2026-05-01T12:00:00Z");
const pair = await createAuthority({ commonName: "ca", lifetimeMs: 86_400_000 }, now);
const other = await createAuthority({ commonName: "company", lifetimeMs: 86_400_000 }, now);
const emptyCache = { get: () => undefined, list: () => [] } as unknown as ObjectCache<never>;

const authorityOf = (keys: typeof pair) => ({
  secrets: emptyCache,
  current: () => loadAuthority(keys),
  trusted: () => keys.certificatePem,
});
const renderInput = {
  cluster: makeCluster(),
  installNamespace: "agents",
  config: {
    metadata: { name: "cluster-proxy" },
    spec: {
      authentication: {},
      proxyServer: { image: "hub:v1", namespace: "addons" },
      proxyAgent: { image: "ghcr.io/spokeway/spokeway:v1" },
    },
  },
};

const definition = clusterProxyDefinition(
  { installNamespace: "default-ns", isKubeApiProxied: true, isImpersonating: true },
  {
    serviceProxy: undefined,
    configurations: emptyCache,
    services: emptyCache,
    authority: authorityOf(pair),
  },
);

/** The agent on a cluster whose AddOnDeploymentConfig has this spec. */
function agentWith(spec: Record<string, unknown>, configuration: Record<string, unknown> = {}) {
  const deploymentConfig = addOnDeploymentConfig.parse({ metadata: { name: "c" }, spec });
  const config = {
    metadata: { name: "cluster-proxy" },
    spec: {
      authentication: {},
      proxyServer: { image: "hub:v1", namespace: "addons" },
      proxyAgent: { image: "ghcr.io/spokeway/spokeway:v1" },
      ...configuration,
    },
  };
  const input = { cluster: makeCluster(), installNamespace: "agents", deploymentConfig, config };
  const rendering = definition.render(input);
  assert.ok(rendering.kind === "manifests");
  const manifests = applyDeploymentConfig(rendering.manifests, deploymentConfig, []);
  const find = (kind: string) => manifests.find((one) => one.kind === kind) as Manifest;
  const deployment = find("Deployment")["spec"] as {
    readonly replicas: number;
    readonly template: { readonly spec: Readonly<Record<string, unknown>> };
  };
  const pod = deployment.template.spec;
  const [container = {}] = pod["containers"] as readonly Readonly<Record<string, unknown>>[];
  return { deployment, pod, container, service: find("Service"), secret: find("Secret") };
}

describe("the tunnel's agent with an AddOnDeploymentConfig", () => {
  it("takes its images from a mirror, runs where it is told, with what it is given", () => {
    const resources = { limits: { memory: "256Mi" } };
    const { pod, container } = agentWith({
      registries: [{ source: "ghcr.io/spokeway", mirror: "registry.example/mirror" }],
      nodePlacement: { nodeSelector: { a: "b" }, tolerations: [{ key: "k", operator: "Exists" }] },
      resourceRequirements: [
        { containerID: "deployments:cluster-proxy-proxy-agent:proxy-agent", resources },
      ],
    });
    assert.equal(container["image"], "registry.example/mirror/spokeway:v1");
    assert.deepEqual(pod["nodeSelector"], { a: "b" });
    assert.deepEqual(pod["tolerations"], [{ key: "k", operator: "Exists" }]);
    assert.deepEqual(container["resources"], resources);
  });

  it("knows its variables", () => {
    const { deployment, service } = agentWith({
      customizedVariables: [
        { name: "replicas", value: "5" },
        { name: "serviceDomain", value: "svc.my.domain" },
      ],
    });
    assert.equal(deployment.replicas, 5);
    assert.deepEqual(service["spec"], {
      type: "ExternalName",
      externalName: "kubernetes.default.svc.my.domain",
    });
  });

  it("connects through a proxy, whose authorities vouch for nothing else", () => {
    const caBundle = Buffer.from(other.certificatePem).toString("base64");
    const proxy = { httpsProxy: "https://u:p@proxy.example:3129", noProxy: ".svc", caBundle };
    const { container, secret } = agentWith({ proxyConfig: proxy });
    assert.deepEqual((container["env"] as readonly object[]).slice(-2), [
      { name: "HTTPS_PROXY", value: proxy.httpsProxy },
      { name: "NO_PROXY", value: ".svc" },
    ]);
    const args = container["args"] as readonly string[];
    assert.ok(args.includes("--https-proxy-ca-cert=/etc/ca/https-proxy-ca.crt"));
    const data = secret["data"] as Readonly<Record<string, string>>;
    const text = (key: string) => Buffer.from(data[key] ?? "", "base64").toString();
    assert.equal(text("ca.crt"), pair.certificatePem);
    assert.equal(text("https-proxy-ca.crt"), other.certificatePem);
  });

  it("needs no authorities for a proxy that is not spoken to in TLS", () => {
    const caBundle = Buffer.from(other.certificatePem).toString("base64");
    const { secret } = agentWith({ proxyConfig: { httpsProxy: "http://proxy:3128", caBundle } });
    assert.deepEqual(Object.keys(secret["data"] as object), ["ca.crt"]);
  });

  it("refuses authorities that it cannot read, and names the field", () => {
    const caBundle = Buffer.from("nonsense").toString("base64");
    const proxyConfig = { httpsProxy: "https://proxy:3129", caBundle };
    assert.throws(() => agentWith({ proxyConfig }), {
      name: "TerminalError",
      message: /proxyConfig\.caBundle/,
    });
  });

  it("forwards to the port that the tunnel server's pods listen on", () => {
    const ports = { agentServer: 9091 };
    const { container } = agentWith({}, { deploy: { ports } });
    assert.ok((container["args"] as readonly string[]).includes("--port-forward-target-port=9091"));
  });
});

describe("the tunnel's agent with a service proxy", () => {
  const render = (list: string, variables: Readonly<Record<string, string>> = {}) => {
    const listed = { metadata: { name: "list" }, data: { "a.yaml": list } };
    const withServices = clusterProxyDefinition(
      { installNamespace: "default-ns", isKubeApiProxied: true, isImpersonating: true },
      {
        configurations: emptyCache,
        services: emptyCache,
        authority: authorityOf(pair),
        serviceProxy: {
          authority: authorityOf(other),
          exposed: { list: () => [listed] } as unknown as ObjectCache<never>,
        },
      },
    );
    const customizedVariables = Object.entries(variables).map(([name, value]) => ({ name, value }));
    const deploymentConfig = addOnDeploymentConfig.parse({
      metadata: { name: "c" },
      spec: { customizedVariables },
    });
    const rendering = withServices.render({ ...renderInput, deploymentConfig });
    assert.ok(rendering.kind === "manifests");
    const find = (kind: string) => rendering.manifests.find((one) => one.kind === kind);
    const data = find("ConfigMap")?.["data"] as Readonly<Record<string, string>>;
    const text = JSON.stringify(find("Deployment"));
    return { services: JSON.parse(data["services.yaml"] ?? "") as unknown, text, find };
  };

  it("gets the hub's list, and its certificate serves as well", () => {
    const { services, text, find } = render("- {namespace: n, service: s, port: 80}");
    assert.deepEqual(services, [{ namespace: "n", service: "s", port: "80" }]);
    assert.match(
      text,
      /--agent-identifiers=host=cluster-[0-9a-f]{48}\.open-cluster-management\.proxy&/,
    );
    assert.match(text, /--enable-impersonation=true/);
    assert.ok(find("ClusterRole"));
  });

  it("gets a list of its own, and no right to impersonate, where its cluster's configuration says so", () => {
    const own = { exposedServices: "- {namespace: o, service: s}", enableImpersonation: "false" };
    const { services, text, find } = render("- {namespace: n, service: s}", own);
    assert.deepEqual(services, [{ namespace: "o", service: "s" }]);
    assert.match(text, /--enable-impersonation=false/);
    assert.equal(find("ClusterRole"), undefined);
  });

  it("stays as it is while a list cannot be used", () => {
    assert.throws(() => render("- {namespace: n}"), { name: "TerminalError", message: /a\.yaml/ });
    const own = { exposedServices: "nonsense" };
    assert.throws(() => render("", own), { message: /variable exposedServices/ });
  });
});
