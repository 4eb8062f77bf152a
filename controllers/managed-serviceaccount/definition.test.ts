import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { managedCluster } from "#api";
import { managedServiceAccountDefinition } from "./definition.ts";

function definitionWith(endsEphemeral: boolean) {
  const settings = { agentImage: "agent:v1", permissionPolicy: undefined, endsEphemeral };
  return managedServiceAccountDefinition(settings, undefined);
}

function accountVerbs(endsEphemeral: boolean): readonly string[] | undefined {
  const { hubAccess } = definitionWith(endsEphemeral);
  return hubAccess?.role.rules.find(({ resources }) => resources.includes("managedserviceaccounts"))
    ?.verbs;
}

function agentText(endsEphemeral: boolean): string {
  const rendering = definitionWith(endsEphemeral).render({
    cluster: managedCluster.parse({ metadata: { name: "c1" } }),
    installNamespace: "agents",
    deploymentConfig: undefined,
    config: undefined,
  });
  return JSON.stringify(rendering);
}

describe("managedServiceAccountDefinition()", () => {
  it("lets agents delete accounts, and tells them to, only where lives end", () => {
    assert.deepEqual(accountVerbs(false), ["get", "list", "watch"]);
    assert.doesNotMatch(agentText(false), /EphemeralIdentity/);
    assert.deepEqual(accountVerbs(true), ["get", "list", "watch", "delete"]);
    assert.match(agentText(true), /"--feature-gates=EphemeralIdentity=true"/);
  });
});
