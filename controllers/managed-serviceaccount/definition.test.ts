import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addOnDeploymentConfig, type Manifest, managedCluster } from "#api";
import { createAuthority } from "#pki";
import { managedServiceAccountDefinition } from "./definition.ts";

const now = new Date("2026-05-01T12:00:00Z");
const company = await createAuthority({ commonName: "company", lifetimeMs: 86_400_000 }, now);

function definitionWith(endsEphemeral: boolean) {
  const settings = { agentImage: "agent:v1", permissionPolicy: undefined, endsEphemeral };
  return managedServiceAccountDefinition(settings, undefined);
}

function accountVerbs(endsEphemeral: boolean): readonly string[] | undefined {
  const { hubAccess } = definitionWith(endsEphemeral);
  return hubAccess?.role.rules.find(({ resources }) => resources.includes("managedserviceaccounts"))
    ?.verbs;
}

/** The agent on a cluster whose AddOnDeploymentConfig has this spec. */
function manifestsFor(spec?: object, endsEphemeral = false): readonly Manifest[] {
  const rendering = definitionWith(endsEphemeral).render({
    cluster: managedCluster.parse({ metadata: { name: "c1" } }),
    installNamespace: "agents",
    deploymentConfig: spec && addOnDeploymentConfig.parse({ metadata: { name: "c" }, spec }),
    config: undefined,
  });
  assert.ok(rendering.kind === "manifests");
  return rendering.manifests;
}

describe("managedServiceAccountDefinition()", () => {
  it("lets agents delete accounts, and tells them to, only where lives end", () => {
    const agentText = (endsEphemeral: boolean) =>
      JSON.stringify(manifestsFor(undefined, endsEphemeral));
    assert.deepEqual(accountVerbs(false), ["get", "list", "watch"]);
    assert.doesNotMatch(agentText(false), /EphemeralIdentity/);
    assert.deepEqual(accountVerbs(true), ["get", "list", "watch", "delete"]);
    assert.match(agentText(true), /"--feature-gates=EphemeralIdentity=true"/);
  });

  const caBundle = Buffer.from(company.certificatePem).toString("base64");

  it("brings the authority of a proxy that is spoken to in TLS, and tells the agent where it is", () => {
    const manifests = manifestsFor({ proxyConfig: { httpsProxy: "https://proxy:3129", caBundle } });
    const brought = manifests.find(({ kind }) => kind === "ConfigMap");
    assert.deepEqual(brought?.["data"], { "ca.crt": company.certificatePem });
    assert.match(
      JSON.stringify(manifests),
      /"--https-proxy-ca-cert=\/etc\/https-proxy-ca\/ca\.crt"/,
    );
  });

  it("brings none where the proxy is not spoken to in TLS", () => {
    for (const proxyConfig of [{ httpsProxy: "http://proxy:3128", caBundle }, { caBundle }, {}]) {
      assert.deepEqual(manifestsFor({ proxyConfig }), manifestsFor());
    }
  });

  it("refuses an authority that it cannot read, and names the field", () => {
    const proxyConfig = { httpsProxy: "https://proxy:3129", caBundle: "bm9uc2Vuc2U=" };
    assert.throws(() => manifestsFor({ proxyConfig }), {
      name: "TerminalError",
      message: /proxyConfig\.caBundle/,
    });
  });
});
