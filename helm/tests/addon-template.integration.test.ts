import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { grantingRules, permissionPolicy } from "#api";
import { at, find, Helm, type Rendered } from "./helm.ts";

const chart = "managed-serviceaccount";
const inTemplate = "--set=hubDeployMode=AddOnTemplate";
const managerRole = "open-cluster-management:managed-serviceaccount:addon-manager";

let helm: Helm;
before(async () => {
  helm = await Helm.open();
});
after(async () => {
  await helm[Symbol.asyncDispose]();
});

function template(objects: readonly Rendered[], name = chart): Rendered {
  return find(objects, "AddOnTemplate", name);
}

function manifest(objects: readonly Rendered[], kind: string): unknown {
  const all = at(template(objects), "spec", "agentSpec", "workload", "manifests") as Rendered[];
  return all.find((object) => object.kind === kind);
}

function agentArgs(objects: readonly Rendered[]): readonly string[] {
  const path = ["spec", "template", "spec", "containers", 0, "args"] as const;
  return at(manifest(objects, "Deployment"), ...path) as string[];
}

function managerArgs(objects: readonly Rendered[]): readonly string[] {
  const manager = find(objects, "Deployment", "managed-serviceaccount-addon-manager");
  return at(manager, "spec", "template", "spec", "containers", 0, "args") as string[];
}

function managerRules(objects: readonly Rendered[]): readonly unknown[] {
  return at(find(objects, "ClusterRole", managerRole), "rules") as unknown[];
}

describe("chart managed-serviceaccount in AddOnTemplate mode", () => {
  it("has nothing that lint warns of", async () => {
    const output = await helm.run(["lint", "--strict", chart, inTemplate]);
    assert.doesNotMatch(output, /WARNING|ERROR/);
  });

  it("makes no AddOnTemplate otherwise, and the addon names none", async () => {
    const objects = await helm.render(chart);
    assert.ok(!objects.some(({ kind }) => kind === "AddOnTemplate"));
    assert.doesNotMatch(JSON.stringify(objects), /addontemplates/);
    assert.ok(
      !objects.some(({ metadata }) => metadata.name === "managed-serviceaccount-addon-agent"),
    );
  });

  const names = [
    { flags: [], name: "managed-serviceaccount" },
    { flags: ["--set=addOnTemplateName="], name: "managed-serviceaccount-0.1.0" },
    { flags: ["--set=addOnTemplateName=mine"], name: "mine" },
  ];
  for (const { flags, name } of names) {
    it(`names the template ${name} with ${flags.join() || "no value"}, and the addon refers to it`, async () => {
      for (const [version, field, expected] of [
        ["v1alpha1", "supportedConfigs", { defaultConfig: { name } }],
        ["v1beta1", "defaultConfigs", { name }],
      ] as const) {
        const api = `--api-versions=addon.open-cluster-management.io/${version}`;
        const objects = await helm.render(chart, inTemplate, api, ...flags);
        assert.equal(template(objects, name).metadata.name, name);
        const configs = at(find(objects, "ClusterManagementAddOn", chart), "spec", field);
        const group = "addon.open-cluster-management.io";
        assert.deepEqual((configs as unknown[]).at(-1), {
          group,
          resource: "addontemplates",
          ...expected,
        });
      }
    });
  }

  it("lets OCM fill in the cluster and the way to the hub", async () => {
    assert.deepEqual(agentArgs(await helm.render(chart, inTemplate)), [
      "--max-semi-space-size=1",
      "--heap-growing-percent=40",
      "/app/agent.mjs",
      "tokens",
      "--cluster-name={{CLUSTER_NAME}}",
      "--kubeconfig={{HUB_KUBECONFIG}}",
      "--feature-gates=EphemeralIdentity=true",
    ]);
  });

  it("elects a leader among several agents", async () => {
    const objects = await helm.render(chart, inTemplate, "--set=replicas=2");
    assert.equal(at(manifest(objects, "Deployment"), "spec", "replicas"), 2);
    assert.ok(agentArgs(objects).includes("--leader-elect=true"));
  });

  it("lets OCM bind the agent's role, and hold none of it", async () => {
    const objects = await helm.render(chart, inTemplate);
    const name = "open-cluster-management-addon-manager-managed-serviceaccount";
    assert.deepEqual(at(find(objects, "ClusterRole", name), "rules"), [
      {
        apiGroups: ["rbac.authorization.k8s.io"],
        resources: ["clusterroles"],
        resourceNames: ["managed-serviceaccount-addon-agent"],
        verbs: ["bind"],
      },
    ]);
    assert.deepEqual(at(find(objects, "ClusterRoleBinding", name), "subjects"), [
      {
        kind: "ServiceAccount",
        name: "addon-manager-controller-sa",
        namespace: "open-cluster-management-hub",
      },
    ]);
  });

  it("leaves the controller without the rights that delivery takes", async () => {
    const objects = await helm.render(chart, inTemplate);
    const rules = JSON.stringify(managerRules(objects));
    assert.doesNotMatch(rules, /certificatesigningrequests|signers|"create","update","patch"\]/);
    const works = managerRules(objects).filter((rule) =>
      /manifestworks/.test(JSON.stringify(rule)),
    );
    assert.deepEqual(
      works.map((rule) => at(rule, "verbs")),
      [["get", "list", "watch", "delete"]],
    );
    assert.deepEqual(managerArgs(objects), [
      "/app/controller.mjs",
      "--addons=managed-serviceaccount",
      "--leader-elect=true",
      "--deploy-mode=AddOnTemplate",
      "--feature-gates=EphemeralIdentity=false,ClusterProfile=false",
      "--health-probe-bind-address=:8081",
      "--metrics-bind-address=:8080",
    ]);
  });

  it("offers the agent's metrics to Prometheus Operator on demand", async () => {
    const flags = ["--set=prometheus.enabled=true", "--set=prometheus.serviceMonitor.labels.a=b"];
    const objects = await helm.render(chart, inTemplate, ...flags);
    assert.equal(at(manifest(objects, "ServiceMonitor"), "metadata", "labels", "a"), "b");
  });

  const policies = [
    [],
    [{ clusterRoles: ["view", "edit"], namespaces: ["team-*"] }],
    [
      { clusterRoles: ["view"], clusterWide: true },
      { clusterRoles: ["edit", "view"], roles: ["deployer"], namespaces: ["a"] },
      { roles: ["*"], namespaces: ["b"] },
    ],
    [
      {
        rules: [{ apiGroups: [""], resources: ["configmaps"], verbs: ["get"] }],
        namespaces: ["*"],
      },
    ],
  ];
  for (const policy of policies) {
    it(`gives the agent what the controller would for ${JSON.stringify(policy)}`, async () => {
      const flag = `--set-json=permissionPolicy=${JSON.stringify(policy)}`;
      const objects = await helm.render(chart, inTemplate, flag);
      const [, ...rules] = at(manifest(objects, "ClusterRole"), "rules") as unknown[];
      assert.deepEqual(rules, grantingRules(permissionPolicy.parse(policy)));
      const given = agentArgs(objects).at(-1) ?? "";
      assert.deepEqual(JSON.parse(given.replace("--permission-policy=", "")), policy);
    });
  }

  it("gives agents the pull secret that it is told of, by a work of that name alone", async () => {
    const objects = await helm.render(chart, inTemplate, "--set=agentImagePullSecret=registry");
    const brought = "managed-serviceaccount-image-pull-credentials";
    assert.deepEqual(at(manifest(objects, "ServiceAccount"), "imagePullSecrets"), [
      { name: "open-cluster-management-image-pull-credentials" },
      { name: brought },
    ]);
    assert.ok(managerArgs(objects).includes("--agent-image-pull-secret=registry"));
    const works = managerRules(objects).filter((rule) =>
      /manifestworks/.test(JSON.stringify(rule)),
    );
    assert.deepEqual(works, [
      {
        apiGroups: ["work.open-cluster-management.io"],
        resources: ["manifestworks"],
        resourceNames: [brought],
        verbs: ["get", "list", "watch", "delete", "create", "patch"],
      },
    ]);
  });

  it("tells each agent the whole policy: which statements are for its cluster, it sees by its name", async () => {
    const policy = [{ clusters: ["prod-*"], clusterRoles: ["view"], clusterWide: true }];
    const flag = `--set-json=permissionPolicy=${JSON.stringify(policy)}`;
    const objects = await helm.render(chart, inTemplate, flag);
    const given = agentArgs(objects).at(-1) ?? "";
    assert.deepEqual(JSON.parse(given.replace("--permission-policy=", "")), policy);
  });
});
