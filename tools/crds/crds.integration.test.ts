import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type ProcessCluster, startProcessCluster, waitFor } from "#bed";
import { generatedCrds } from "../generated-files.ts";

type Verdict = { readonly accepted: true } | { readonly accepted: false; readonly error: string };

/** What an object is held against; `error` is what the API server must say, and where. */
interface Case {
  readonly name: string;
  readonly spec: unknown;
  readonly error?: RegExp;
}

describe("the CRDs on a real API server", { timeout: 180_000 }, () => {
  let cluster: ProcessCluster;

  before(async () => {
    const crds = generatedCrds().filter(({ path }) => path.startsWith("manifests/"));
    cluster = await startProcessCluster({
      name: "crds",
      manifests: crds.map(({ content }) => content),
    });
    for (const plural of [
      "managedproxyconfigurations",
      "managedserviceaccounts",
      "managedserviceaccountsets",
    ]) {
      await waitFor(plural, async () => (await cluster.kubectl(["get", plural])) === "");
    }
  });
  after(async () => {
    await cluster[Symbol.asyncDispose]();
  });

  async function tryCreate(apiVersion: string, kind: string, spec: unknown): Promise<Verdict> {
    const object = { apiVersion, kind, metadata: { name: "x", namespace: "default" }, spec };
    try {
      await cluster.kubectl(["create", "--dry-run=server", "-f", "-"], JSON.stringify(object));
      return { accepted: true };
    } catch (error) {
      return { accepted: false, error: String(error) };
    }
  }

  function check(apiVersion: string, kind: string, cases: readonly Case[]): void {
    for (const { name, spec, error } of cases) {
      it(`${kind} ${apiVersion}: ${error === undefined ? "takes" : "refuses"} ${name}`, async () => {
        const verdict = await tryCreate(apiVersion, kind, spec);
        if (error === undefined) assert.deepEqual(verdict, { accepted: true });
        else assert.match(verdict.accepted ? "accepted" : verdict.error, error);
      });
    }
  }

  for (const version of ["v1beta1", "v1alpha1"]) {
    check(`authentication.open-cluster-management.io/${version}`, "ManagedServiceAccount", [
      { name: "the defaults", spec: { rotation: {} } },
      { name: "no spec at all", spec: undefined },
      { name: "ten minutes", spec: { rotation: { validity: "10m" } } },
      { name: "a composed duration", spec: { rotation: { validity: "1h30m0.5s" } } },
      {
        name: "a minute",
        spec: { rotation: { validity: "1m" } },
        error: /spec\.rotation\.validity: Invalid value: "?1m"?.*validity must be at least 10m/s,
      },
      {
        name: "something that is no duration",
        spec: { rotation: { validity: "soon" } },
        error: /spec\.rotation\.validity: Invalid value: "soon".*should match/s,
      },
      {
        name: "a negative duration",
        spec: { rotation: { validity: "-20m" } },
        error: /spec\.rotation\.validity: Invalid value: "-20m"/,
      },
      {
        name: "two centuries",
        spec: { rotation: { validity: "1800000h" } },
        error: /spec\.rotation\.validity: .*at most 1193046h/s,
      },
      {
        name: "permissions of every kind",
        spec: {
          rotation: {},
          permissions: [
            { preset: "view" },
            { clusterRole: "edit", namespaces: ["a", "b"] },
            { role: "deployer", namespaces: ["a"] },
            { rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }] },
            { rules: [{ nonResourceURLs: ["/healthz"], verbs: ["get"] }] },
          ],
        },
      },
      {
        name: "a preset that there is not",
        spec: { rotation: {}, permissions: [{ preset: "root" }] },
        error: /spec\.permissions\[0\]\.preset: Unsupported value: "root"/,
      },
      {
        name: "two things in one permission",
        spec: { rotation: {}, permissions: [{ preset: "view", clusterRole: "edit" }] },
        error: /spec\.permissions\[0\]: .*exactly one of preset, clusterRole, role and rules/s,
      },
      {
        name: "a permission to nothing",
        spec: { rotation: {}, permissions: [{ namespaces: ["a"] }] },
        error: /spec\.permissions\[0\]: .*exactly one of preset, clusterRole, role and rules/s,
      },
      {
        name: "a Role in no namespace",
        spec: { rotation: {}, permissions: [{ role: "deployer" }] },
        error: /spec\.permissions\[0\]: .*role needs namespaces/s,
      },
      {
        name: "paths in a namespace",
        spec: {
          rotation: {},
          permissions: [
            { namespaces: ["a"], rules: [{ nonResourceURLs: ["/healthz"], verbs: ["get"] }] },
          ],
        },
        error: /spec\.permissions\[0\]: .*nonResourceURLs hold in the whole cluster only/s,
      },
      {
        name: "outputs of every kind",
        spec: {
          rotation: {},
          outputs: {
            kubeconfig: { namespace: "a", secretName: "a.b", via: "Direct", contextNamespace: "c" },
            argocd: {
              namespace: "argocd",
              clusterName: "One of ours",
              project: "team",
              labels: { env: "prod" },
              namespaces: ["a"],
              clusterResources: true,
            },
          },
        },
      },
      {
        name: "a way that there is not",
        spec: { rotation: {}, outputs: { kubeconfig: { via: "Tunnel" } } },
        error: /spec\.outputs\.kubeconfig\.via: Unsupported value: "Tunnel"/,
      },
      {
        name: "an Argo CD in no namespace",
        spec: { rotation: {}, outputs: { argocd: {} } },
        error: /spec\.outputs\.argocd\.namespace: Required value/,
      },
      {
        name: "a Secret that cannot be called so",
        spec: { rotation: {}, outputs: { kubeconfig: { secretName: "A/B" } } },
        error: /spec\.outputs\.kubeconfig\.secretName: Invalid value: "A\/B"/,
      },
      {
        name: "a label that the controller sets",
        spec: {
          rotation: {},
          outputs: {
            argocd: { namespace: "a", labels: { "argocd.argoproj.io/secret-type": "repository" } },
          },
        },
        error: /spec\.outputs\.argocd\.labels: .*those are set by the controller/s,
      },
      {
        name: "resources of the cluster beside nothing",
        spec: { rotation: {}, outputs: { argocd: { namespace: "a", clusterResources: true } } },
        error: /spec\.outputs\.argocd: .*clusterResources needs namespaces/s,
      },
      {
        name: "a role whose name leads elsewhere",
        spec: { rotation: {}, permissions: [{ clusterRole: "a/b" }] },
        error: /spec\.permissions\[0\]\.clusterRole: Invalid value: "a\/b"/,
      },
      {
        name: "a role called ..",
        spec: { rotation: {}, permissions: [{ role: "..", namespaces: ["a"] }] },
        error: /spec\.permissions\[0\]\.role: .*cannot be called \. or \.\./s,
      },
      {
        name: "a namespace that none can be called",
        spec: { rotation: {}, permissions: [{ preset: "edit", namespaces: [".."] }] },
        error: /spec\.permissions\[0\]\.namespaces\[0\]: Invalid value: "\.\."/,
      },
      {
        name: "a rule without verbs",
        spec: {
          rotation: {},
          permissions: [{ rules: [{ apiGroups: [""], resources: ["pods"], verbs: [] }] }],
        },
        error: /rules\[0\]\.verbs: .*at least 1 item/s,
      },
      {
        name: "a rule about nothing",
        spec: { rotation: {}, permissions: [{ rules: [{ verbs: ["get"] }] }] },
        error: /rules\[0\]: .*either resources or nonResourceURLs must be given/s,
      },
      {
        name: "resources of no group",
        spec: { rotation: {}, permissions: [{ rules: [{ resources: ["pods"], verbs: ["get"] }] }] },
        error: /rules\[0\]: .*resources need apiGroups/s,
      },
      {
        name: "a spec without rotation",
        spec: { ttlSecondsAfterCreation: 5 },
        error: /spec\.rotation: Required value/,
      },
      {
        name: "a life of no seconds",
        spec: { rotation: {}, ttlSecondsAfterCreation: 0 },
        error: /spec\.ttlSecondsAfterCreation: Invalid value: 0/,
      },
    ]);
  }

  const images = { proxyServer: { image: "s" }, proxyAgent: { image: "a" }, authentication: {} };
  const withEntrypoint = (entrypoint: unknown) => ({
    ...images,
    proxyServer: { image: "s", entrypoint },
  });
  const withServer = (server: object) => ({
    ...images,
    proxyServer: { ...images.proxyServer, ...server },
  });
  const withBalancer = (annotations: readonly object[]) =>
    withEntrypoint({ type: "LoadBalancerService", loadBalancerService: { annotations } });
  const withSigner = (signer: object) => ({ ...images, authentication: { signer } });
  const withSecrets = (secrets: object) => ({ ...images, authentication: { dump: { secrets } } });
  check("proxy.open-cluster-management.io/v1alpha1", "ManagedProxyConfiguration", [
    { name: "the least", spec: images },
    { name: "a port-forward", spec: withEntrypoint({ type: "PortForward" }) },
    { name: "a load balancer", spec: withEntrypoint({ type: "LoadBalancerService" }) },
    {
      name: "no image",
      spec: { ...images, proxyServer: {} },
      error: /spec\.proxyServer\.image: Required value/,
    },
    {
      name: "an unknown entrypoint",
      spec: withEntrypoint({ type: "Magic" }),
      error: /spec\.proxyServer\.entrypoint\.type: Unsupported value: "Magic"/,
    },
    {
      name: "a host name that is missing",
      spec: withEntrypoint({ type: "Hostname" }),
      error: /spec\.proxyServer\.entrypoint: .*hostname\.value is needed when type is Hostname/s,
    },
    {
      name: "port 0",
      spec: withEntrypoint({ type: "PortForward", port: 0 }),
      error: /spec\.proxyServer\.entrypoint\.port: Invalid value: 0/,
    },
    {
      name: "a host name with a port",
      spec: withEntrypoint({ type: "Hostname", hostname: { value: "hub.example:443" } }),
      error:
        /spec\.proxyServer\.entrypoint\.hostname\.value: Invalid value: "hub\.example:443": .*should match/,
    },
    {
      name: "an IPv6 address",
      spec: withEntrypoint({ type: "Hostname", hostname: { value: "fd00::1" } }),
    },
    {
      name: "an annotation key that is none",
      spec: withBalancer([{ key: "two words", value: "x" }]),
      error:
        /loadBalancerService\.annotations\[0\]\.key: Invalid value: "two words": .*should match/,
    },
    {
      name: "what clouds ask of their annotations",
      spec: withBalancer([
        { key: "service.beta.kubernetes.io/aws-load-balancer-type", value: "arn:aws:x/y z" },
      ]),
    },
    {
      name: "an annotation twice",
      spec: withBalancer([{ key: "a" }, { key: "a" }]),
      error: /loadBalancerService\.annotations: Invalid value: .*each key may be there once/,
    },
    {
      name: "one name for both Services",
      spec: withServer({
        inClusterServiceName: "same",
        entrypoint: { type: "LoadBalancerService", loadBalancerService: { name: "same" } },
      }),
      error: /spec\.proxyServer\.inClusterServiceName: Invalid value: .*same is also entrypoint/,
    },
    {
      name: "a namespace that cannot be",
      spec: withServer({ namespace: "Not_This" }),
      error: /spec\.proxyServer\.namespace: Invalid value: "Not_This": .*should match/,
    },
    {
      name: "fewer servers than none",
      spec: withServer({ replicas: -1 }),
      error: /spec\.proxyServer\.replicas: Invalid value: -1/,
    },
    {
      name: "an image with a space",
      spec: withServer({ image: "a b" }),
      error: /spec\.proxyServer\.image: Invalid value: "a b": .*should match/,
    },
    {
      name: "a pull secret that cannot be",
      spec: { ...images, proxyAgent: { image: "a", imagePullSecrets: ["A"] } },
      error: /spec\.proxyAgent\.imagePullSecrets\[0\]: Invalid value: "A"/,
    },
    {
      name: "one Secret for two certificates",
      spec: withSecrets({ signingProxyClientSecretName: "proxy-server" }),
      error:
        /secrets\.signingProxyClientSecretName: Invalid value: .*proxy-server is also signingProxyServerSecretName/,
    },
    {
      name: "the Secret of an authority for a certificate",
      spec: withSecrets({ signingAgentServerSecretName: "cluster-proxy-signer" }),
      error:
        /secrets\.signingAgentServerSecretName: Invalid value: .*cluster-proxy-signer is the name of another/,
    },
    {
      name: "a name in certificates that is none",
      spec: withSigner({ type: "SelfSigned", selfSigned: { additionalSANs: ["https://x"] } }),
      error: /selfSigned\.additionalSANs\[0\]: Invalid value: "https:\/\/x": .*should match/,
    },
    {
      name: "a wildcard and an address in certificates",
      spec: withSigner({ selfSigned: { additionalSANs: ["*.hub.example", "192.0.2.1"] } }),
    },
    {
      name: "authorities that are given by nobody",
      spec: withSigner({ type: "Provided" }),
      error: /authentication\.signer: .*provided is needed when type is Provided/,
    },
    {
      name: "one authority for both sides",
      spec: withSigner({
        type: "Provided",
        provided: { agentAuthoritySecretName: "x", frontendAuthoritySecretName: "x" },
      }),
      error: /frontendAuthoritySecretName: Invalid value: .*another Secret.* is the same: x/,
    },
    {
      name: "cert-manager without an issuer",
      spec: withSigner({ type: "CertManager" }),
      error: /authentication\.signer: .*issuerRef is needed when type is CertManager/,
    },
    {
      name: "a duration that is none",
      spec: withSigner({
        type: "CertManager",
        certManager: { issuerRef: { name: "x" }, duration: "90d" },
      }),
      error: /certManager\.duration: Invalid value: "90d": .*should match/,
    },
    { name: "other ports", spec: { ...images, deploy: { ports: { proxyServer: 9090 } } } },
    {
      name: "one port for two things",
      spec: { ...images, deploy: { ports: { healthServer: 8090 } } },
      error: /deploy\.ports\.healthServer: Invalid value: .*is also proxyServer/,
    },
    {
      name: "a port that there is not",
      spec: { ...images, deploy: { ports: { adminServer: 70_000 } } },
      error: /deploy\.ports\.adminServer: Invalid value: 70000/,
    },
  ]);

  const gateway = {
    image: "g",
    secretNamespace: "s",
    installNamespace: "i",
    secretManagement: {},
    egress: { type: "Direct" },
  };
  check("proxy.open-cluster-management.io/v1alpha1", "ClusterGatewayConfiguration", [
    { name: "the least", spec: gateway },
    {
      name: "an unknown egress",
      spec: { ...gateway, egress: { type: "Pigeon" } },
      error: /spec\.egress\.type: Unsupported value: "Pigeon"/,
    },
    {
      name: "a tunnel without an address",
      spec: { ...gateway, egress: { type: "ClusterProxy" } },
      error: /spec\.egress: .*clusterProxy is needed when type is ClusterProxy/s,
    },
  ]);

  const set = (template: object, more: object = {}) => ({
    placementRef: { name: "all" },
    template: { spec: { rotation: {} }, ...template },
    ...more,
  });
  const outputs = (given: object) => set({ spec: { rotation: {}, outputs: given } });
  check("authentication.open-cluster-management.io/v1alpha1", "ManagedServiceAccountSet", [
    { name: "the least", spec: set({}) },
    {
      name: "all that a template may hold",
      spec: set(
        {
          metadata: { labels: { team: "x" }, annotations: { a: "any text at all" } },
          spec: {
            rotation: { validity: "1h" },
            permissions: [{ preset: "view" }],
            outputs: { kubeconfig: { secretName: "k" }, argocd: { namespace: "argocd" } },
          },
        },
        { accountName: "ci.deployer" },
      ),
    },
    {
      name: "no Placement",
      spec: { template: { spec: { rotation: {} } } },
      error: /spec\.placementRef: Required value/,
    },
    {
      name: "a Placement that none can be called",
      spec: set({}, { placementRef: { name: "All" } }),
      error: /spec\.placementRef\.name: Invalid value: "All"/,
    },
    {
      name: "no template",
      spec: { placementRef: { name: "all" } },
      error: /spec\.template: Required value/,
    },
    {
      name: "accounts that none can be called",
      spec: set({}, { accountName: "CI_deployer" }),
      error: /spec\.accountName: Invalid value: "CI_deployer"/,
    },
    {
      name: "a label that is none",
      spec: set({ metadata: { labels: { team: "x y" } } }),
      error: /spec\.template\.metadata\.labels\.team: Invalid value: "x y"/,
    },
    {
      name: "a validity that is none, as an account does",
      spec: set({ spec: { rotation: { validity: "soon" } } }),
      error: /spec\.template\.spec\.rotation\.validity: Invalid value: "soon"/,
    },
    {
      name: "a permission to nothing, as an account does",
      spec: set({ spec: { rotation: {}, permissions: [{ namespaces: ["a"] }] } }),
      error: /spec\.template\.spec\.permissions\[0\]: .*exactly one of preset/s,
    },
    {
      name: "one name for the Secrets of all clusters in Argo CD",
      spec: outputs({ argocd: { namespace: "argocd", secretName: "one" } }),
      error: /spec\.template\.spec: .*outputs\.argocd must not hold secretName or clusterName/s,
    },
    {
      name: "one name for the kubeconfigs of all clusters in one namespace",
      spec: outputs({ kubeconfig: { namespace: "a", secretName: "one" } }),
      error: /spec\.template\.spec: .*must not hold both namespace and secretName/s,
    },
  ]);

  it("fills the defaults of upstream's CRD, and adds no field that was left out", async () => {
    const object = {
      apiVersion: "proxy.open-cluster-management.io/v1alpha1",
      kind: "ManagedProxyConfiguration",
      metadata: { name: "defaults" },
      spec: { ...images, authentication: { signer: {}, dump: { secrets: {} } } },
    };
    await cluster.apply(JSON.stringify(object));
    const json = await cluster.kubectl(["get", "managedproxyconfiguration", "defaults", "-o=json"]);
    assert.deepEqual(JSON.parse(json).spec, {
      authentication: {
        signer: { type: "SelfSigned" },
        dump: {
          secrets: {
            signingAgentServerSecretName: "agent-server",
            signingProxyClientSecretName: "proxy-client",
            signingProxyServerSecretName: "proxy-server",
          },
        },
      },
      proxyAgent: { image: "a", replicas: 3 },
      proxyServer: {
        image: "s",
        inClusterServiceName: "proxy-entrypoint",
        namespace: "open-cluster-management-cluster-proxy",
        replicas: 3,
      },
    });
  });

  it("keeps everything of a status, and shows it", async () => {
    await cluster.apply(
      JSON.stringify({
        apiVersion: "authentication.open-cluster-management.io/v1beta1",
        kind: "ManagedServiceAccount",
        metadata: { name: "shown", namespace: "default" },
        spec: { rotation: { validity: "24h" } },
      }),
    );
    const status = {
      conditions: [
        {
          type: "TokenReported",
          status: "True",
          reason: "TokenReported",
          message: "",
          observedGeneration: 1,
          lastTransitionTime: "2026-01-02T03:04:05Z",
        },
      ],
      expirationTimestamp: "2126-01-02T03:04:05Z",
      tokenSecretRef: { name: "shown", lastRefreshTimestamp: "2026-01-02T03:04:05Z" },
    };
    const patch = ["--subresource=status", "--type=merge", `--patch=${JSON.stringify({ status })}`];
    await cluster.kubectl(["patch", "managedserviceaccount", "shown", ...patch]);
    const json = await cluster.kubectl(["get", "managedserviceaccount", "shown", "-o=json"]);
    assert.deepEqual(JSON.parse(json).status, status);

    const [header, row] = (await cluster.kubectl(["get", "managedserviceaccount", "shown"]))
      .trim()
      .split("\n");
    assert.deepEqual(header?.split(/\s+/), ["NAME", "READY", "EXPIRES", "LAST-REFRESH", "AGE"]);
    assert.match(row ?? "", /^shown\s+True\s+2126-01-02T03:04:05Z\s+\d+\w+\s+\d+\w+$/);
  });

  it("explains every field", async () => {
    const text = await cluster.kubectl(["explain", "managedserviceaccount.spec.rotation.validity"]);
    assert.match(text, /as Go writes durations/);
  });
});
