import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { at, find, Helm, type Rendered } from "./helm.ts";

let helm: Helm;
before(async () => {
  helm = await Helm.open();
});
after(async () => {
  await helm[Symbol.asyncDispose]();
});

function argsOf(objects: readonly Rendered[], name: string): unknown {
  return at(find(objects, "Deployment", name), "spec", "template", "spec", "containers", 0, "args");
}

describe("chart cluster-proxy with services", () => {
  it("makes a user server when it is asked for, with rights of its own that are few", async () => {
    const user = "cluster-proxy-addon-user";
    const without = JSON.stringify(await helm.render("cluster-proxy"));
    assert.ok(!without.includes(user) && !without.includes("exposed-services"));
    const objects = await helm.render(
      "cluster-proxy",
      "--set=enableServiceProxy=true",
      "--set=enableImpersonation=false",
      "--set=userServer.enabled=true",
      "--set=userServer.additionalSANs={users.example}",
      "--set=exposedServices[0].namespace=monitoring",
      "--set=exposedServices[0].service=grafana",
      "--set=exposedServices[0].port=3000",
    );
    const managerArgs = argsOf(objects, "cluster-proxy-addon-manager") as readonly string[];
    assert.ok(managerArgs.includes("--enable-service-proxy=true"));
    assert.ok(managerArgs.includes("--enable-impersonation=false"));
    const configuration = find(objects, "ManagedProxyConfiguration", "cluster-proxy");
    assert.deepEqual(at(configuration, "spec", "userServer", "additionalSANs"), ["users.example"]);
    const list = find(objects, "ConfigMap", "cluster-proxy-exposed-services");
    assert.match(
      String(at(list, "data", "services.yaml")),
      /namespace: monitoring\n *port: 3000\n *service: grafana/,
    );
    const userArgs = argsOf(objects, user) as readonly string[];
    assert.ok(userArgs.includes("--host=proxy-entrypoint.hub.svc"));
    assert.equal(at(find(objects, "Service", user), "spec", "ports", "0", "port"), 9092);
    const name = "open-cluster-management:cluster-proxy:user-server";
    const rules = [find(objects, "ClusterRole", name), find(objects, "Role", name)].flatMap(
      (role) => at(role, "rules") as readonly { readonly resources?: readonly string[] }[],
    );
    assert.deepEqual(
      rules.flatMap(({ resources = [] }) => resources),
      ["managedclusters", "tokenreviews", "subjectaccessreviews", "configmaps", "events"],
    );
  });
});
