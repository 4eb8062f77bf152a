import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { at, find, Helm, type Rendered } from "./helm.ts";

const charts = ["cluster-proxy", "managed-serviceaccount", "cluster-gateway-addon-manager"];
const pod = ["spec", "template", "spec"] as const;
const container = [...pod, "containers", 0] as const;

let helm: Helm;
before(async () => {
  helm = await Helm.open();
});
after(async () => {
  await helm[Symbol.asyncDispose]();
});

function argsOf(objects: readonly Rendered[], name: string): unknown {
  return at(find(objects, "Deployment", name), ...container, "args");
}

for (const chart of charts) {
  const manager = `${chart.replace("-addon-manager", "")}-addon-manager`;

  describe(`chart ${chart}`, () => {
    it("has nothing that lint warns of", async () => {
      const output = await helm.run(["lint", "--strict", chart]);
      assert.doesNotMatch(output, /WARNING|ERROR/);
    });

    it("runs the controller without rights on its node", async () => {
      const deployment = find(await helm.render(chart), "Deployment", manager);
      assert.equal(at(deployment, "metadata", "namespace"), "hub");
      assert.equal(at(deployment, "spec", "replicas"), 1);
      assert.equal(at(deployment, ...container, "image"), "ghcr.io/spokeway/spokeway:v0.1.0");
      assert.deepEqual(at(deployment, ...pod, "securityContext"), {
        runAsNonRoot: true,
        runAsUser: 65_532,
        runAsGroup: 65_532,
        seccompProfile: { type: "RuntimeDefault" },
      });
      assert.deepEqual(at(deployment, ...container, "securityContext"), {
        allowPrivilegeEscalation: false,
        privileged: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
      assert.equal(at(deployment, ...container, "livenessProbe", "httpGet", "path"), "/healthz");
      assert.equal(at(deployment, ...container, "readinessProbe", "httpGet", "path"), "/readyz");
    });

    it("takes a tag for every image", async () => {
      const yaml = JSON.stringify(await helm.render(chart, "--set=tag=v9"));
      assert.ok(yaml.includes("spokeway:v9"));
      assert.ok(!yaml.includes("spokeway:v0.1.0"));
    });

    it("selects every cluster, also one that does not answer", async () => {
      const placement = (await helm.render(chart)).find(({ kind }) => kind === "Placement");
      assert.deepEqual(at(placement, "spec"), {
        clusterSets: ["global"],
        tolerations: [
          { key: "cluster.open-cluster-management.io/unreachable", operator: "Exists" },
          { key: "cluster.open-cluster-management.io/unavailable", operator: "Exists" },
        ],
      });
    });

    it("guards several controllers against a drain, and one against nothing", async () => {
      const one = await helm.render(chart);
      assert.ok(!one.some(({ kind }) => kind === "PodDisruptionBudget"));
      const two = await helm.render(chart, "--set=replicas=2");
      assert.equal(at(find(two, "PodDisruptionBudget", manager), "spec", "maxUnavailable"), 1);
    });

    it("grants nothing by a wildcard, and no ClusterRole that may do all", async () => {
      for (const object of await helm.render(chart)) {
        if (object.kind.endsWith("Role")) {
          assert.doesNotMatch(JSON.stringify(at(object, "rules")), /"\*"/, object.metadata.name);
        }
      }
    });

    for (const [version, field] of [
      ["v1alpha1", "supportedConfigs"],
      ["v1beta1", "defaultConfigs"],
    ] as const) {
      it(`speaks addon ${version} to a hub that has it alone`, async () => {
        const flag = `--api-versions=addon.open-cluster-management.io/${version}`;
        const addon = (await helm.render(chart, flag)).find(
          ({ kind }) => kind === "ClusterManagementAddOn",
        );
        assert.equal(addon?.apiVersion, `addon.open-cluster-management.io/${version}`);
        assert.ok(Array.isArray(at(addon, "spec", field)));
      });
    }
  });
}

describe("chart cluster-proxy", () => {
  it("passes its values to the controller", async () => {
    const flags = [
      "enableKubeApiProxy=false",
      "acceptSharedAgentIdentity=true",
      "spokeAddonNamespace=agents",
      "proxyAgentImage=a/b",
    ];
    const objects = await helm.render("cluster-proxy", ...flags.map((flag) => `--set=${flag}`));
    assert.deepEqual(argsOf(objects, "cluster-proxy-addon-manager"), [
      "/app/controller.mjs",
      "--addons=cluster-proxy",
      "--leader-elect=true",
      "--agent-image=a/b:v0.1.0",
      "--agent-install-namespace=agents",
      "--signer-secret-namespace=hub",
      "--signer-secret-name=cluster-proxy-signer",
      "--enable-kube-api-proxy=false",
      "--accept-shared-agent-identity=true",
      "--image-pull-policy=IfNotPresent",
      "--health-probe-bind-address=:8081",
      "--metrics-bind-address=:8080",
    ]);
  });

  const entrypoints: readonly {
    readonly flags: readonly string[];
    readonly expected: { readonly type: string; readonly [key: string]: unknown };
  }[] = [
    { flags: [], expected: { type: "PortForward", port: 8091 } },
    {
      flags: ["--set=proxyServer.entrypointLoadBalancer=true"],
      expected: { type: "LoadBalancerService", loadBalancerService: {}, port: 8091 },
    },
    {
      flags: ["--set=proxyServer.entrypointAddress=hub.example", "--set=proxyServer.port=443"],
      expected: { type: "Hostname", hostname: { value: "hub.example" }, port: 443 },
    },
  ];
  for (const { flags, expected } of entrypoints) {
    it(`makes entrypoint ${expected.type} of ${flags.join(" ") || "no value"}`, async () => {
      const objects = await helm.render("cluster-proxy", ...flags);
      const configuration = find(objects, "ManagedProxyConfiguration", "cluster-proxy");
      assert.deepEqual(at(configuration, "spec", "proxyServer", "entrypoint"), expected);
    });
  }

  const managerRole = "open-cluster-management:cluster-proxy:addon-manager";
  const secretRules = (objects: readonly Rendered[]): readonly (readonly [unknown, unknown])[] => {
    const rules = at(find(objects, "Role", managerRole), "rules") as readonly object[];
    return rules
      .filter((rule) => at(rule, "resources", 0) === "secrets")
      .map((rule) => [at(rule, "resourceNames"), at(rule, "verbs")]);
  };

  it("gives rights to the Secrets that its values name, and to no others", async () => {
    const flags = ["secretNames.proxyClient=mine", "additionalSecretNames={a,b}"];
    const objects = await helm.render("cluster-proxy", ...flags.map((flag) => `--set=${flag}`));
    const [create, write] = secretRules(objects);
    assert.deepEqual(create, [undefined, ["create"]]);
    assert.deepEqual(write?.[0], [
      "cluster-proxy-signer",
      "cluster-proxy-frontend-signer",
      "proxy-server-ca",
      "agent-server-ca",
      "proxy-server",
      "mine",
      "agent-server",
      "cluster-proxy-user-serving-cert",
      "cluster-proxy-user-server-client",
      "a",
      "b",
    ]);
    const configuration = find(objects, "ManagedProxyConfiguration", "cluster-proxy");
    const names = at(configuration, "spec", "authentication", "dump", "secrets");
    assert.equal(at(names, "signingProxyClientSecretName"), "mine");
  });

  it("may read authorities that are given, and not write them", async () => {
    const given = { agentAuthoritySecretName: "a", frontendAuthoritySecretName: "f" };
    const objects = await helm.render(
      "cluster-proxy",
      "--set=signer.type=Provided",
      ...Object.entries(given).map(([name, value]) => `--set=signer.provided.${name}=${value}`),
    );
    assert.deepEqual(secretRules(objects)[2], [
      ["a", "f"],
      ["get", "list", "watch"],
    ]);
    const configuration = find(objects, "ManagedProxyConfiguration", "cluster-proxy");
    const signer = at(configuration, "spec", "authentication", "signer");
    assert.deepEqual(signer, { type: "Provided", provided: given });
  });

  it("may ask cert-manager for its two authorities", async () => {
    const objects = await helm.render(
      "cluster-proxy",
      "--set=signer.type=CertManager",
      "--set=signer.certManager.issuerRef.name=company",
    );
    const rules = JSON.stringify(at(find(objects, "Role", managerRole), "rules"));
    assert.match(rules, /"apiGroups":\["cert-manager.io"\],"resources":\["certificates"\]/);
    const configuration = find(objects, "ManagedProxyConfiguration", "cluster-proxy");
    assert.deepEqual(at(configuration, "spec", "authentication", "signer"), {
      type: "CertManager",
      certManager: { issuerRef: { name: "company", kind: "Issuer", group: "cert-manager.io" } },
    });
    assert.doesNotMatch(JSON.stringify(await helm.render("cluster-proxy")), /cert-manager/);
  });

  it("refuses a signer without what it needs", async () => {
    for (const [type, want] of [
      ["Provided", /signer\.provided/],
      ["CertManager", /signer\.certManager\.issuerRef\.name/],
    ] as const) {
      await assert.rejects(helm.render("cluster-proxy", `--set=signer.type=${type}`), want);
    }
  });

  it("keeps tunnel servers to Leases of their own, on hubs that know how to", async () => {
    const name = "cluster-proxy-server-leases";
    const kind = "ValidatingAdmissionPolicy";
    const older = await helm.render("cluster-proxy", "--kube-version=1.29");
    assert.ok(!older.some((object) => object.kind.startsWith(kind)));
    const objects = await helm.render("cluster-proxy", "--kube-version=1.30");
    assert.equal(at(find(objects, `${kind}Binding`, name), "spec", "policyName"), name);
    assert.deepEqual(
      at(find(objects, kind, name), "spec", "matchConditions", 0, "expression"),
      'request.userInfo.username == "system:serviceaccount:hub:cluster-proxy"',
    );
  });

  it("leaves the selection to a Placement of somebody else", async () => {
    const flags = [
      "--set=installByPlacement.placementName=mine",
      "--set=installByPlacement.placementNamespace=there",
    ];
    const objects = await helm.render("cluster-proxy", ...flags);
    assert.ok(!objects.some(({ kind }) => kind === "Placement"));
    const addon = find(objects, "ClusterManagementAddOn", "cluster-proxy");
    const [placement] = at(addon, "spec", "installStrategy", "placements") as unknown[];
    assert.deepEqual([at(placement, "namespace"), at(placement, "name")], ["there", "mine"]);
  });
});

describe("chart managed-serviceaccount", () => {
  it("installs on one cluster only, when told so", async () => {
    const flags = ["--set=agentInstallAll=false", "--set=targetCluster=managed1"];
    const objects = await helm.render("managed-serviceaccount", ...flags);
    assert.ok(!objects.some(({ kind }) => kind === "Placement"));
    const addon = find(objects, "ClusterManagementAddOn", "managed-serviceaccount");
    assert.deepEqual(at(addon, "spec", "installStrategy"), { type: "Manual" });
    const target = find(objects, "ManagedClusterAddOn", "managed-serviceaccount");
    assert.equal(target.metadata.namespace, "managed1");
  });

  it("passes the permission policy on, an empty one too, and none when there is none", async () => {
    const flagsOf = async (...values: readonly string[]) => {
      const rendered = await helm.render("managed-serviceaccount", ...values);
      const args = argsOf(rendered, "managed-serviceaccount-addon-manager") as string[];
      return args.filter((arg) => arg.startsWith("--permission-policy="));
    };
    const policy = [{ accounts: ["ci-*"], namespaces: ["team-*"], clusterRoles: ["view"] }];
    assert.deepEqual(await flagsOf(), []);
    assert.deepEqual(await flagsOf("--set-json=permissionPolicy=[]"), ["--permission-policy=[]"]);
    const [flag = ""] = await flagsOf(`--set-json=permissionPolicy=${JSON.stringify(policy)}`);
    assert.deepEqual(JSON.parse(flag.replace("--permission-policy=", "")), policy);
  });

  it("opens namespaces for outputs, and the gateway for accounts, only when told so", async () => {
    const passes = "open-cluster-management:managed-serviceaccount:gateway-passes";
    const outputArgs = (objects: readonly Rendered[]) =>
      (argsOf(objects, "managed-serviceaccount-addon-manager") as string[]).filter((arg) =>
        /^--(output|gateway)-/.test(arg),
      );
    const closed = await helm.render("managed-serviceaccount");
    assert.deepEqual(outputArgs(closed), []);
    assert.ok(!closed.some(({ metadata }) => metadata.name === passes));
    const opened = await helm.render(
      "managed-serviceaccount",
      "--set=outputs.namespaces={argocd,flux-system}",
      "--set=outputs.gateway.enabled=true",
      "--set=outputs.gateway.namespace=credentials",
      "--set=outputs.gateway.address=https://gw.example.com",
    );
    assert.deepEqual(outputArgs(opened), [
      "--output-namespaces=argocd,flux-system",
      "--gateway-pass-namespace=credentials",
      "--gateway-address=https://gw.example.com",
    ]);
    const role = find(opened, "Role", passes);
    assert.equal(role.metadata.namespace, "credentials");
    assert.deepEqual(at(role, "rules", 0, "resources"), ["configmaps"]);
    assert.equal(find(opened, "RoleBinding", passes).metadata.namespace, "credentials");
  });

  it("bounds which Secrets the controller and the agents write, on hubs that know how to", async () => {
    const render = async (...flags: readonly string[]) =>
      helm.render("managed-serviceaccount", "--set=outputs.namespaces={argocd}", ...flags);
    const kind = "ValidatingAdmissionPolicy";
    const older = await render("--kube-version=1.29");
    assert.ok(!older.some((object) => object.kind.startsWith(kind)));
    const placesOf = async (...flags: readonly string[]) => {
      const objects = await render("--kube-version=1.30", ...flags);
      const name = "managed-serviceaccount-secret-writes";
      for (const policy of [name, "managed-serviceaccount-agent-secret-writes"]) {
        assert.deepEqual(at(find(objects, `${kind}Binding`, policy), "spec"), {
          policyName: policy,
          validationActions: ["Deny"],
        });
      }
      const variables = at(find(objects, kind, name), "spec", "variables") as readonly unknown[];
      return variables.slice(-2).map((variable) => at(variable, "expression"));
    };
    const outputs = 'variables.isOfCluster || request.namespace in ["argocd"]';
    assert.deepEqual(await placesOf(), [outputs, "request.namespace in []"]);
    const named = "--set=clusterProfileNamespaces={team-a}";
    assert.deepEqual(await placesOf(named), [outputs, "request.namespace in []"]);
    const gate = "--set=featureGates.clusterProfile=true";
    assert.deepEqual(await placesOf(named, gate), [outputs, 'request.namespace in ["team-a"]']);
    const all = "--set=clusterProfileNamespaces={*}";
    assert.deepEqual(await placesOf(all, gate), [outputs, "true"]);
  });

  it("has rights on ClusterProfiles, and says who gets tokens, only when told to", async () => {
    const [chartName, deployment] = [
      "managed-serviceaccount",
      "managed-serviceaccount-addon-manager",
    ];
    const role = "open-cluster-management:managed-serviceaccount:addon-manager-clusterprofile";
    const plain = await helm.render(chartName);
    const gates = (ephemeral: boolean, profile: boolean): string =>
      `--feature-gates=EphemeralIdentity=${ephemeral},ClusterProfile=${profile}`;
    assert.ok((argsOf(plain, deployment) as string[]).includes(gates(false, false)));
    assert.doesNotMatch(JSON.stringify(plain), /clusterprofile|cluster-profile/);
    const objects = await helm.render(
      chartName,
      "--set=featureGates.clusterProfile=true,featureGates.ephemeralIdentity=true",
      "--set=clusterProfileNamespaces={team-a,team-b}",
    );
    const args = argsOf(objects, deployment) as string[];
    assert.ok(args.includes(gates(true, true)));
    assert.ok(args.includes("--cluster-profile-namespaces=team-a,team-b"));
    const rules = at(find(objects, "ClusterRole", role), "rules") as readonly unknown[];
    assert.deepEqual(
      rules.map((rule) => [at(rule, "resources"), at(rule, "verbs")]),
      [
        [["clusterprofiles"], ["get", "list", "watch"]],
        [["clusterprofiles/status"], ["patch"]],
        [
          ["managedclustersets", "managedclustersetbindings"],
          ["get", "list", "watch"],
        ],
        [["secrets"], ["delete"]],
      ],
    );
    assert.equal(at(find(objects, "ClusterRoleBinding", role), "roleRef", "name"), role);
  });

  it("reads the pull secret that it is told of, and no other", async () => {
    const flag = "--set=agentImagePullSecret=registry";
    const objects = await helm.render("managed-serviceaccount", flag);
    const args = argsOf(objects, "managed-serviceaccount-addon-manager");
    assert.ok((args as string[]).includes("--agent-image-pull-secret=registry"));
    const role = find(
      objects,
      "Role",
      "open-cluster-management:managed-serviceaccount:addon-manager",
    );
    assert.deepEqual((at(role, "rules") as unknown[]).at(-1), {
      apiGroups: [""],
      resources: ["secrets"],
      resourceNames: ["registry"],
      verbs: ["get", "list", "watch"],
    });
  });

  it("offers metrics to Prometheus Operator on demand", async () => {
    const flags = ["--set=prometheus.enabled=true", "--set=prometheus.serviceMonitor.labels.a=b"];
    const objects = await helm.render("managed-serviceaccount", ...flags);
    const monitor = find(objects, "ServiceMonitor", "managed-serviceaccount-addon-manager");
    assert.equal(at(monitor, "metadata", "labels", "a"), "b");
  });
});

describe("chart cluster-gateway-addon-manager", () => {
  const chart = "cluster-gateway-addon-manager";

  it("dials directly with credentials of an administrator by default", async () => {
    const objects = await helm.render(chart);
    const { spec } = find(objects, "ClusterGatewayConfiguration", "cluster-gateway") as never;
    assert.deepEqual(at(spec, "secretManagement"), { type: "Manual" });
    assert.deepEqual(at(spec, "egress"), { type: "Direct" });
  });

  it("uses the other two addons, in the namespace of the release", async () => {
    const flags = ["--set=manualSecretManagement=false", "--set=konnectivityEgress=true"];
    const objects = await helm.render(chart, ...flags);
    const { spec } = find(objects, "ClusterGatewayConfiguration", "cluster-gateway") as never;
    assert.deepEqual(at(spec, "secretManagement"), {
      type: "ManagedServiceAccount",
      managedServiceAccount: { name: "cluster-gateway" },
    });
    assert.deepEqual(at(spec, "egress"), {
      type: "ClusterProxy",
      clusterProxy: {
        proxyServerHost: "proxy-entrypoint.hub",
        proxyServerPort: 8090,
        credentials: {
          namespace: "hub",
          proxyClientSecretName: "proxy-client",
          proxyClientCASecretName: "proxy-server-ca",
        },
      },
    });
  });

  it("lets the gateway write Secrets only where ClusterGateways can be written", async () => {
    const verbs = async (...flags: readonly string[]) => {
      const objects = await helm.render(chart, ...flags);
      const role = objects.find(
        ({ kind, metadata }) =>
          kind === "Role" && metadata.name === "cluster-gateway" && metadata.namespace !== "hub",
      );
      const rules = at(role, "rules") as readonly { resources: string[]; verbs: string[] }[];
      const ofSecrets = rules.filter(({ resources }) => resources.includes("secrets"));
      const { spec } = find(objects, "ClusterGatewayConfiguration", "cluster-gateway") as never;
      assert.equal(at(spec, "clusterGateways", "writable"), ofSecrets.length === 2);
      return ofSecrets.flatMap((rule) => rule.verbs).toSorted();
    };
    const readOnly = ["get", "list", "update", "watch"];
    assert.deepEqual(await verbs("--set=clusterGateway.writable=false"), readOnly);
    const all = ["create", "delete", "get", "list", "patch", "update", "watch"];
    assert.deepEqual(await verbs(), all);
  });

  it("gives the gateway rights where clusters are kept, which follows the group, and nowhere else", async () => {
    const rightsIn = async (...flags: readonly string[]) => {
      const objects = await helm.render(chart, ...flags);
      const rulesOf = (kind: string, name: string) => {
        const found = objects.find(
          (object) =>
            object.kind === kind &&
            object.metadata.name === name &&
            object.metadata.namespace !== "hub",
        );
        const rules = at(found, "rules") as readonly {
          resources?: string[];
          resourceNames?: string[];
          apiGroups: string[];
        }[];
        return rules;
      };
      const anywhere = rulesOf("ClusterRole", "open-cluster-management:cluster-gateway:apiserver");
      const kept = rulesOf("Role", "cluster-gateway");
      const probing = rulesOf(
        "ClusterRole",
        "open-cluster-management:cluster-gateway:addon-manager",
      );
      return {
        group: at(
          find(objects, "ClusterGatewayConfiguration", "cluster-gateway"),
          "spec",
          "apiGroup",
        ),
        anywhere: anywhere.flatMap(({ resources = [], resourceNames = [] }) =>
          resources.map((resource) => [resource, ...resourceNames].join(" ")),
        ),
        kept: kept.flatMap(({ resources = [] }) => resources),
        probed: probing
          .filter(({ resources = [] }) => resources.includes("clustergateways/proxy"))
          .flatMap(({ apiGroups }) => apiGroups),
      };
    };
    assert.deepEqual(await rightsIn(), {
      group: "cluster.core.oam.dev",
      anywhere: ["managedclusters"],
      kept: ["secrets", "secrets", "events", "configmaps"],
      probed: ["cluster.core.oam.dev"],
    });
    const group = "gateway.open-cluster-management.io";
    assert.deepEqual(await rightsIn(`--set=clusterGateway.apiGroup=${group}`), {
      group,
      anywhere: [
        "managedclusters",
        "managedclusteraddons cluster-gateway cluster-proxy",
        "managedclusteraddons cluster-gateway",
        "secrets cluster-gateway",
        "events",
      ],
      kept: ["configmaps"],
      probed: [group],
    });
    await assert.rejects(helm.render(chart, "--set=clusterGateway.apiGroup=other"), /apiGroup/);
  });

  it("traces nothing unless there is a collector", async () => {
    const tracingIn = async (...flags: readonly string[]) => {
      const objects = await helm.render(chart, ...flags);
      return at(find(objects, "ClusterGatewayConfiguration", "cluster-gateway"), "spec", "tracing");
    };
    assert.equal(await tracingIn(), undefined);
    assert.deepEqual(await tracingIn("--set=tracing.endpoint=http://collector:4318"), {
      endpoint: "http://collector:4318",
      samplingRatePerMillion: 1_000_000,
    });
    await assert.rejects(tracingIn("--set=tracing.endpoint=collector"), /endpoint/);
  });

  it("runs no command for a Secret that is not listed, by its absolute path", async () => {
    const key = "clusterGateway.dynamicCredentials.allowedCommands";
    const objects = await helm.render(chart, `--set=${key}={/bin/one}`);
    const { spec } = find(objects, "ClusterGatewayConfiguration", "cluster-gateway") as never;
    assert.deepEqual(at(spec, "dynamicCredentials"), {
      allowedCommands: ["/bin/one"],
      allowedVariables: [],
    });
    await assert.rejects(helm.render(chart, `--set=${key}={one}`), /allowedCommands/);
  });

  it("lets callers act as the gateway's account unless told otherwise, and says who may act", async () => {
    const identityIn = async (...flags: readonly string[]) => {
      const objects = await helm.render(chart, ...flags);
      return at(
        find(objects, "ClusterGatewayConfiguration", "cluster-gateway"),
        "spec",
        "identity",
      );
    };
    assert.equal(at(await identityIn(), "mode"), "Shared");
    const flags = ["--set=identity.mode=Impersonate", "--set=identity.groups={devs,ops}"];
    const identity = await identityIn(...flags);
    assert.equal(at(identity, "mode"), "Impersonate");
    assert.deepEqual(at(identity, "groups"), ["devs", "ops"]);
  });

  it("passes an issuer on, and whether paths are authorized", async () => {
    const flags = ["--set=oidc.issuerURL=https://idp", "--set=oidc.clientID=hub"];
    const objects = await helm.render(chart, ...flags, "--set=authorizePaths=true");
    const { spec } = find(objects, "ClusterGatewayConfiguration", "cluster-gateway") as never;
    assert.deepEqual(at(spec, "oidc"), { issuerURL: "https://idp", clientID: "hub" });
    assert.equal(at(spec, "authorizePaths"), true);
  });

  it("makes the namespaces of gateway and credentials, and never deletes them", async () => {
    const namespaces = (await helm.render(chart)).filter(({ kind }) => kind === "Namespace");
    assert.deepEqual(
      namespaces.map(({ metadata }) => metadata.name),
      ["vela-system", "open-cluster-management-credentials"],
    );
    for (const namespace of namespaces) {
      assert.equal(at(namespace, "metadata", "annotations", "helm.sh/resource-policy"), "keep");
    }
  });

  it("makes no namespace when everything is in that of the release", async () => {
    const objects = await helm.render(
      chart,
      "--set=clusterGateway.installNamespace=hub",
      "--set=clusterGateway.secretNamespace=hub",
    );
    assert.ok(!objects.some(({ kind }) => kind === "Namespace"));
    const names = objects.map(
      ({ kind, metadata }) => `${kind} ${metadata.namespace} ${metadata.name}`,
    );
    assert.deepEqual(names.toSorted(), [...new Set(names)].toSorted());
  });
});

describe("values", () => {
  const refused: readonly (readonly [chart: string, value: string, message: RegExp])[] = [
    ["cluster-proxy", "replicas=abc", /replicas.*got string, want integer/s],
    ["cluster-proxy", "replica=2", /'replica' not allowed/],
    ["cluster-proxy", "proxyServer.port=70000", /proxyServer\/port/],
    ["cluster-proxy", "featureGates.clusterProfile=true", /featureGates\.clusterProfile: .*is not/],
    ["cluster-proxy", "userServer.enabled=true", /userServer\.enabled: needs enableServiceProxy/],
    ["cluster-proxy", "exposedServices[0].name=a", /exposedServices\/0.*name/s],
    ["cluster-proxy", "networkPolicies.enabled=true", /networkPolicies\.enabled: .*is not/],
    ["cluster-proxy", "installByPlacement.placementNamespace=a", /needs installByPlacement\.plac/],
    ["managed-serviceaccount", "agentInstallAll=perhaps", /agentInstallAll/],
    ["managed-serviceaccount", "hubDeployMode=Job", /hubDeployMode/],
    [
      "managed-serviceaccount",
      "featureGates.clusterProfile=perhaps",
      /featureGates.clusterProfile/,
    ],
    ["managed-serviceaccount", "outputs.gateway.address=http://gw", /outputs\/gateway\/address/],
    ["managed-serviceaccount", "outputs.kubeconfig=true", /'kubeconfig' not allowed/],
    ["managed-serviceaccount", "clusterProfileNamespaces={team_a}", /clusterProfileNamespaces/],
    ["cluster-gateway-addon-manager", "konnectivityEgress=12", /konnectivityEgress/],
    ["cluster-gateway-addon-manager", "identity.mode=Root", /identity.*mode/],
    ["cluster-gateway-addon-manager", "clusterGateway.image=null", /clusterGateway/],
  ];
  for (const [chart, value, message] of refused) {
    it(`refuses ${value} of ${chart}, and says why`, async () => {
      const { code, stderr } = await helm.try(["template", "x", chart, `--set=${value}`]);
      assert.notEqual(code, 0);
      assert.match(stderr, message);
    });
  }
});
