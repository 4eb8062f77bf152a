import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import { waitFor } from "#bed";
import { makeAuthority } from "#testing";
import { GatewayBed } from "./gateway-bed.ts";
import { grantManifest } from "./under-test/gateway-bed-manifests.ts";

const group = "gateway.open-cluster-management.io";
const root = `/apis/${group}/v1alpha1`;

/** OCM's kind, and what the chart grants the gateway for this layout, and no more. */
const hubManifest = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: managedclusteraddons.addon.open-cluster-management.io}
spec:
  group: addon.open-cluster-management.io
  scope: Namespaced
  names: {plural: managedclusteraddons, singular: managedclusteraddon, kind: ManagedClusterAddOn}
  versions:
  - name: v1alpha1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
---
apiVersion: v1
kind: Namespace
metadata: {name: managed1}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: gateway-addons}
rules:
- apiGroups: [addon.open-cluster-management.io]
  resources: [managedclusteraddons]
  resourceNames: [cluster-gateway, cluster-proxy]
  verbs: [list, watch]
- apiGroups: [addon.open-cluster-management.io]
  resources: [managedclusteraddons]
  resourceNames: [cluster-gateway]
  verbs: [patch]
- {apiGroups: [""], resources: [secrets], resourceNames: [cluster-gateway], verbs: [list, watch]}
- {apiGroups: [""], resources: [events], verbs: [create]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: gateway-addons}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: gateway-addons}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: cluster-gateway}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: of-this-group}
rules:
- {apiGroups: [${group}], resources: [clustergateways/proxy], resourceNames: [managed1], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: of-the-other-group}
rules:
- {apiGroups: [cluster.core.oam.dev], resources: ["*"], verbs: ["*"]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: ann}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: of-this-group}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: ann}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: bob}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: of-the-other-group}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: bob}]
`;

describe("a gateway whose clusters are kept in addons", { timeout: 300_000 }, () => {
  let bed: GatewayBed;

  before(async () => {
    bed = await GatewayBed.start();
    await bed.hub.apply(hubManifest);
    const kind = "crd/managedclusteraddons.addon.open-cluster-management.io";
    await bed.hub.kubectl(["wait", "--for=condition=Established", kind]);
    // The API server makes the storage of a new kind twice, and a watch on the first hears nothing.
    await setTimeout(2000);
    await bed.startGateway(await makeAuthority("gateway-ca"), {
      keeping: { keptIn: "addons", addonVersion: "v1alpha1" },
      isWritable: true,
    });
    await bed.managed.apply(grantManifest);
    await bed.hub.apply(await clusterManifest());
    await waitFor(
      "the cluster",
      async () => (await hub("get", "clustergateway", "managed1")).code === 0,
    );
  });
  after(async () => bed[Symbol.asyncDispose]());

  const hub = async (...args: readonly string[]) => bed.kubectl(bed.hub.kubeconfig, args);
  const encode = (text: string) => Buffer.from(text).toString("base64");

  /** A cluster as OCM's agents and the addon managed-serviceaccount leave it. */
  async function clusterManifest(): Promise<string> {
    return `
apiVersion: cluster.open-cluster-management.io/v1
kind: ManagedCluster
metadata: {name: managed1, labels: {tier: gold}}
spec:
  hubAcceptsClient: true
  managedClusterClientConfigs:
  - {url: "${bed.managed.server}", caBundle: ${encode(await bed.managedCa())}}
---
apiVersion: addon.open-cluster-management.io/v1alpha1
kind: ManagedClusterAddOn
metadata: {name: cluster-gateway, namespace: managed1}
spec: {}
---
apiVersion: v1
kind: Secret
metadata:
  name: cluster-gateway
  namespace: managed1
  labels: {authentication.open-cluster-management.io/is-managed-serviceaccount: "true"}
data: {token: ${encode(await bed.token())}, ca.crt: ${encode(await bed.managedCa())}}
`;
  }

  it("is found by the hub's discovery in its own group, with that group's kinds and columns", async () => {
    const resources = await hub("api-resources", `--api-group=${group}`, "--no-headers", "-o=name");
    assert.equal(resources.stdout, `clustergateways.${group}\n`);
    const table = await hub("get", "clustergateway");
    const lines = table.stdout.split("\n").map((line) => line.trim().replaceAll(/\s+/g, " "));
    assert.deepEqual(lines, [
      "NAME CREDENTIAL-TYPE ENDPOINT-TYPE HEALTHY",
      "managed1 ServiceAccountToken Const false",
      "",
    ]);
    const selected = await hub("get", "clustergateway", "-l=tier=gold", "-o=name");
    assert.equal(selected.stdout, `clustergateway.${group}/managed1\n`);
    assert.equal((await hub("get", "--raw", "/apis/cluster.core.oam.dev")).code, 1);
  });

  it("explains its kinds from its schemas", async () => {
    // The hub fetches schemas some seconds after an API has become available.
    await waitFor("the schemas", async () => {
      const { stdout } = await hub("explain", "clustergateway.spec");
      return (
        /GROUP: +gateway.open-cluster-management.io/.test(stdout) && /proxyConfig/.test(stdout)
      );
    });
  });

  it("is the managed cluster's API, for whom the hub lets in this group", async () => {
    const path = `${root}/clustergateways/managed1/proxy`;
    const as = async (user: string, ...args: readonly string[]) =>
      bed.kubectl(await bed.hub.kubeconfigFor(user), args);
    const let1 = await as("ann", "get", "--raw", `${path}/api/v1/namespaces/kube-system`);
    assert.match(let1.stdout, /"name":"kube-system"/, let1.stderr);
    const refused = await as("bob", "get", "--raw", `${path}/healthz`);
    assert.match(refused.stderr, /Forbidden.*in API group "gateway.open-cluster-management.io"/);
    const through = await bed.kubeconfigThrough("managed1");
    const listed = await bed.kubectl(through, ["get", "namespaces", "-o=name"]);
    assert.match(listed.stdout, /namespace\/kube-system/, listed.stderr);
  });

  it("shows and keeps health on the addon, and tells a watch of it", async () => {
    const watching = bed.spawnKubectl(bed.hub.kubeconfig, [
      "get",
      "clustergateway",
      "--watch",
      "-o=jsonpath={.status.healthy}{.status.healthyReason}{'\\n'}",
    ]);
    let seen = "";
    watching.stdout.on("data", (chunk: Buffer) => (seen += chunk.toString()));
    try {
      await waitFor("the watch", async () => seen.includes("false"));
      const health = `${root}/clustergateways/managed1/health`;
      const body = {
        metadata: { name: "managed1" },
        status: { healthy: true, healthyReason: "ok" },
      };
      const dry = await bed.hub.api.send({ method: "PUT", path: `${health}?dryRun=All`, body });
      assert.equal((dry.body as { status: { healthy: boolean } }).status.healthy, true);
      const told = await bed.hub.api.send({ method: "PUT", path: health, body });
      assert.equal((told.body as { status: { healthyReason: string } }).status.healthyReason, "ok");
      await waitFor("news of it", async () => seen.includes("trueok"));
      const kept = await hub(
        "get",
        "managedclusteraddon",
        "-n=managed1",
        "cluster-gateway",
        "-o=json",
      );
      const { metadata } = JSON.parse(kept.stdout) as {
        metadata: { annotations: Readonly<Record<string, string>> };
      };
      assert.equal(metadata.annotations[`status.${group}/healthy`], "true");
      assert.equal(metadata.annotations[`status.${group}/healthy-reason`], "ok");
    } finally {
      watching.kill();
    }
  });

  it("cannot be written, whatever it was told", async () => {
    const refused = await hub("delete", "clustergateway", "managed1");
    assert.match(refused.stderr, /MethodNotAllowed|does not allow/);
  });

  it("says what is missing while the addon, or its Secret, is not there", async () => {
    const path = `${root}/clustergateways/waiting/proxy/healthz`;
    await bed.hub.apply(`
apiVersion: cluster.open-cluster-management.io/v1
kind: ManagedCluster
metadata: {name: waiting}
spec: {hubAcceptsClient: true}
`);
    await waitFor("the answer", async () => {
      const { stderr } = await hub("get", "--raw", path);
      return stderr.includes("the cluster does not have the addon cluster-gateway");
    });
    const unknown = await hub("get", "--raw", path.replace("waiting", "nobody"));
    assert.match(unknown.stderr, /NotFound.*no such cluster nobody/);
  });
});
