import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addOnDeploymentConfig, type Manifest } from "#api";
import { makeCluster, makeManifest } from "../../testdata/makers.ts";
import { applyDeploymentConfig, parseDeploymentConfig } from "./deployment-config.ts";
import { clusterRegistries, mirroredImage } from "./image-registries.ts";

const deployment: Manifest = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "agent", namespace: "ns" },
  spec: {
    replicas: 2,
    template: {
      metadata: { labels: { a: "b" } },
      spec: {
        tolerations: [{ key: "own" }],
        containers: [{ name: "main", image: "ghcr.io/spokeway/spokeway:v1", env: [{ name: "A" }] }],
      },
    },
  },
};

function podSpec(
  spec: Record<string, unknown>,
  mirrors: Parameters<typeof applyDeploymentConfig>[2] = [],
) {
  const config = addOnDeploymentConfig.parse({ metadata: { name: "c" }, spec });
  const [result = deployment] = applyDeploymentConfig([deployment], config, mirrors);
  const { template } = result["spec"] as { template: { spec: Record<string, unknown> } };
  const [container] = template.spec["containers"] as Record<string, unknown>[];
  const { nodeSelector, tolerations } = template.spec;
  return { nodeSelector, tolerations, container: container ?? {} };
}

describe("applyDeploymentConfig()", () => {
  it("changes nothing without a configuration", () => {
    const manifests = [deployment, makeManifest("m")];
    assert.deepEqual(applyDeploymentConfig(manifests, undefined, []), manifests);
  });

  it("places pods, and drops the addon's own tolerations when the placement says nothing of them", () => {
    const { nodeSelector, tolerations } = podSpec({ nodePlacement: { nodeSelector: { a: "b" } } });
    assert.deepEqual(nodeSelector, { a: "b" });
    assert.deepEqual(tolerations, []);
  });

  it("lets the last matching entry set a container's resources", () => {
    const { container } = podSpec({
      resourceRequirements: [
        { containerID: "*:*:*", resources: { limits: { cpu: "1" } } },
        { containerID: "deployments:agent:main", resources: { limits: { cpu: "2" } } },
        { containerID: "deployments:agent:mai", resources: { limits: { cpu: "3" } } },
      ],
    });
    assert.deepEqual(container["resources"], { limits: { cpu: "2" } });
  });

  it("refuses a container ID of another form, and names it", () => {
    assert.throws(
      () => podSpec({ resourceRequirements: [{ containerID: "agent", resources: {} }] }),
      /containerID "agent"/,
    );
  });

  it("sets the proxy, beside the variables that are there", () => {
    const { container } = podSpec({ proxyConfig: { httpsProxy: "http://p:1", noProxy: "a,b" } });
    assert.deepEqual(container["env"], [
      { name: "A" },
      { name: "HTTPS_PROXY", value: "http://p:1" },
      { name: "NO_PROXY", value: "a,b" },
    ]);
  });

  it("prefers the addon's mirrors to the cluster's", () => {
    const registries = [{ source: "ghcr.io/spokeway", mirror: "own.io/x" }];
    const mirrors = [{ source: "", mirror: "cluster.io/y" }];
    assert.equal(podSpec({ registries }, mirrors).container["image"], "own.io/x/spokeway:v1");
    assert.equal(podSpec({}, mirrors).container["image"], "cluster.io/y/spokeway:v1");
  });
});

describe("parseDeploymentConfig()", () => {
  it("names the object and the field that it cannot use", () => {
    const object = { metadata: { namespace: "n", name: "c" }, spec: { registries: "x" } };
    assert.throws(() => parseDeploymentConfig(object), /n\/c.*registries/s);
  });
});

describe("mirroredImage()", () => {
  const image = "ghcr.io/spokeway/spokeway:v1";
  const cases: Readonly<Record<string, readonly [source: string, mirror: string, want: string]>> = {
    "replaces a prefix": ["ghcr.io/spokeway", "a.io/b", "a.io/b/spokeway:v1"],
    "does not mind slashes at the end": ["ghcr.io/", "a.io/", "a.io/spokeway/spokeway:v1"],
    "keeps the last segment where all is replaced": ["", "a.io:5000/b", "a.io:5000/b/spokeway:v1"],
    "leaves other images alone": ["quay.io", "a.io", image],
  };
  for (const [name, [source, mirror, want]] of Object.entries(cases)) {
    it(name, () => assert.equal(mirroredImage(image, [{ source, mirror }]), want));
  }

  it("lets the last match count", () => {
    const registries = ["a", "b"].map((mirror) => ({ source: "ghcr.io", mirror }));
    assert.equal(mirroredImage(image, registries), "b/spokeway/spokeway:v1");
  });
});

describe("clusterRegistries()", () => {
  const annotated = (text: string) =>
    makeCluster({
      metadata: {
        name: "c1",
        annotations: { "open-cluster-management.io/image-registries": text },
      },
    });

  it("reads the cluster's annotation", () => {
    const text = '{"registries":[{"source":"a","mirror":"b"}],"pullSecret":"ns.x"}';
    assert.deepEqual(clusterRegistries(annotated(text)), [{ source: "a", mirror: "b" }]);
    assert.deepEqual(clusterRegistries(makeCluster()), []);
  });

  it("refuses one that it cannot read, and names the cluster", () => {
    assert.throws(() => clusterRegistries(annotated("{")), {
      name: "TerminalError",
      message: /c1/,
    });
  });
});
