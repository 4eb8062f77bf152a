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
      [
        "managedclusters",
        "tokenreviews",
        "subjectaccessreviews",
        "configmaps",
        "endpointslices",
        "events",
      ],
    );
    assert.ok(userArgs.includes("--proxy-service=hub/proxy-entrypoint"));
    assert.ok(!userArgs.some((arg) => /oidc|audit/.test(arg)));
    assert.ok(
      !objects.some((object) => object.kind === "ConfigMap" && object.metadata.name === user),
    );
  });

  it("has the user server accept an issuer's tokens and record requests, with files beside it", async () => {
    const objects = await helm.render(
      "cluster-proxy",
      "--set=enableServiceProxy=true",
      "--set=userServer.enabled=true",
      "--set=userServer.oidc.issuerURL=https://issuer.example",
      "--set=userServer.oidc.clientID=hub",
      "--set=userServer.oidc.usernameClaim=email",
      "--set=userServer.oidc.usernamePrefix=-",
      "--set=userServer.oidc.groupsClaim=groups",
      "--set=userServer.oidc.signingAlgs={RS256,ES256}",
      "--set=userServer.oidc.caBundle=PEM",
      "--set=userServer.audit.log=Stdout",
      "--set=userServer.audit.policy=rules",
    );
    const user = "cluster-proxy-addon-user";
    const args = (argsOf(objects, user) as readonly string[]).filter((arg) =>
      /^--(oidc|audit)/.test(arg),
    );
    assert.deepEqual(args, [
      "--oidc-issuer-url=https://issuer.example",
      "--oidc-client-id=hub",
      "--oidc-username-claim=email",
      "--oidc-username-prefix=-",
      "--oidc-groups-claim=groups",
      "--oidc-signing-algs=RS256,ES256",
      "--oidc-ca-file=/etc/user-server/oidc-ca.crt",
      "--audit-log-path=-",
      "--audit-policy-file=/etc/user-server/audit-policy.yaml",
    ]);
    assert.deepEqual(at(find(objects, "ConfigMap", user), "data"), {
      "audit-policy.yaml": "rules",
      "oidc-ca.crt": "PEM",
    });
    const pod = at(find(objects, "Deployment", user), "spec", "template", "spec");
    assert.match(JSON.stringify(at(pod, "containers", 0, "volumeMounts")), /\/etc\/user-server/);
    assert.match(
      JSON.stringify(at(pod, "volumes")),
      /"configMap":\{"name":"cluster-proxy-addon-user"\}/,
    );
    await assert.rejects(
      helm.render("cluster-proxy", "--set=userServer.oidc.issuerURL=http://issuer.example"),
      /issuerURL|clientID/,
    );
  });
});
