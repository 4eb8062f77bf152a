import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { waitFor } from "#bed";
import {
  createAuthority,
  isIssuedBy,
  isSameAuthority,
  type KeyPair,
  loadAuthority,
  parseCertificates,
} from "#pki";
import { makeIntermediate } from "../../../e2e/bed/issuer.ts";
import { addonNamespace } from "../../testdata/addon-hub.ts";
import { makeSpec, TunnelHub } from "../../testdata/tunnel-hub.ts";

const day = 86_400_000;
const sides = {
  agents: { ca: "agent-server-ca", leaf: "agent-server" },
  frontends: { ca: "proxy-server-ca", leaf: "proxy-client" },
} as const;
type Side = keyof typeof sides;
const sideNames = Object.keys(sides) as readonly Side[];

/** The rights of both signers; a hub has one of them, and its chart's values say which. */
const provided = [
  "--set=signer.type=Provided",
  "--set=signer.provided.agentAuthoritySecretName=my-agents",
  "--set=signer.provided.frontendAuthoritySecretName=my-frontends",
];
const managed = [
  "--set=signer.type=CertManager",
  "--set=signer.certManager.issuerRef.name=company",
];

describe("the signers of the tunnel's authorities", { timeout: 240_000 }, () => {
  let hub: TunnelHub;
  before(async () => {
    hub = await TunnelHub.start();
    await hub.grant(...provided);
    await hub.run({ authorityOverlapMs: 1_500 });
  });
  after(async () => hub[Symbol.asyncDispose]());

  const make = async (commonName: string, lifetimeMs = 100 * day): Promise<KeyPair> =>
    createAuthority({ commonName, lifetimeMs }, new Date());

  async function give(name: string, { certificatePem, keyPem }: KeyPair): Promise<void> {
    await hub.cluster.apply(
      JSON.stringify({
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name, namespace: addonNamespace },
        type: "kubernetes.io/tls",
        stringData: { "tls.crt": certificatePem, "tls.key": keyPem },
      }),
    );
  }

  /** Waits until the side's certificate is of this authority, and no other is trusted. */
  async function untilSignedBy(side: Side, pair: KeyPair): Promise<void> {
    const { ca, leaf } = sides[side];
    const [authority] = parseCertificates(pair.certificatePem);
    await waitFor(
      `${leaf} by the authority that was given`,
      async () => {
        const trusted = parseCertificates(await hub.secretText(ca, "ca.crt"));
        const [certificate] = parseCertificates(await hub.secretText(leaf, "tls.crt"));
        const [only] = trusted;
        return (
          trusted.length === 1 && isSameAuthority(only, authority) && isIssuedBy(certificate, only)
        );
      },
      { limitMs: 30_000 },
    );
  }

  const signer = {
    type: "Provided",
    provided: {
      agentAuthoritySecretName: "my-agents",
      frontendAuthoritySecretName: "my-frontends",
    },
  };
  let first: KeyPair;

  it("waits for authorities that are to be given, and says for which", async () => {
    await hub.configure(makeSpec({ authentication: { signer } }));
    const told = await hub.untilCondition("SignerReady", /^False SecretMissing/);
    assert.match(told, /my-agents is not there/);
    await hub.untilCondition("ProxyServerDeployed", /^False NotYetDeployed: .*is not there/);
    assert.equal(await hub.field("secret", "cluster-proxy-signer", ".metadata.name"), "");
  });

  it("signs with authorities that are given", async () => {
    first = await make("mine");
    await give("my-agents", first);
    const frontends = await make("mine-too");
    await give("my-frontends", frontends);
    await untilSignedBy("agents", first);
    await untilSignedBy("frontends", frontends);
    await hub.untilCondition("SignerReady", /^True Provided/);
  });

  it("takes over another authority, after both were trusted", async () => {
    const trusted = new Set<number>();
    const second = await make("mine-2");
    await give("my-agents", second);
    await waitFor("both to be trusted", async () => {
      trusted.add(parseCertificates(await hub.secretText("agent-server-ca", "ca.crt")).length);
      return trusted.has(2);
    });
    await hub.untilCondition("AuthoritiesValid", /^True Rotating/);
    await untilSignedBy("agents", second);
    await hub.untilCondition("AuthoritiesValid", /^True Valid/);
    first = second;
  });

  it("keeps the one that it has where what is given cannot be used, and says why", async () => {
    const other = await make("mine-3");
    const past = new Date(Date.now() - 2 * day);
    const ended = await createAuthority({ commonName: "mine", lifetimeMs: day }, past);
    const bad = [
      [{ ...other, keyPem: first.keyPem }, /^False SecretUnusable: .*do not match/],
      [{ certificatePem: "nothing", keyPem: first.keyPem }, /^False SecretUnusable: .*no PEM/],
      [ended, /^False Expired: .*my-agents ended at/],
    ] as const;
    for (const [pair, want] of bad) {
      await give("my-agents", pair);
      await hub.untilCondition("SignerReady", want);
      assert.match(await hub.condition("AuthoritiesValid"), /^True Valid/);
      await untilSignedBy("agents", first);
    }
    assert.ok(hub.events.some(({ type, reason }) => type === "Warning" && reason === "Expired"));
    await give("my-agents", first);
    await hub.untilCondition("SignerReady", /^True Provided/);
  });

  it("says that cert-manager is not there, and goes on with what it has", async () => {
    await hub.grant(...managed);
    const certManager = { issuerRef: { name: "company" }, duration: "2160h" };
    await hub.configure(
      makeSpec({ authentication: { signer: { type: "CertManager", certManager } } }),
    );
    await hub.untilCondition("SignerReady", /^False CertManagerMissing/);
    await untilSignedBy("agents", first);
  });

  it("asks cert-manager for authorities and takes over what it issues", async () => {
    await hub.cluster.apply(certificateCrd);
    // An API that appears is looked for every half minute; a change of the configuration asks too.
    await waitFor(
      "the CRD",
      async () => (await hub.cluster.kubectl(["get", "certificates", "-A"])) === "",
    );
    const certManager = { issuerRef: { name: "company" }, duration: "2160h", renewBefore: "720h" };
    await hub.configure(
      makeSpec({ authentication: { signer: { type: "CertManager", certManager } } }),
    );
    await hub.untilCondition("SignerReady", /^False NotYetIssued/);
    const root = loadAuthority(await make("company-root"));
    for (const side of sideNames) await playIssuer(root, side);
    const issued = await Promise.all(sideNames.map(secretOf));
    for (const [index, side] of sideNames.entries()) {
      const pair = issued[index];
      assert.ok(pair);
      await untilSignedBy(side, pair);
    }
    await hub.untilCondition("SignerReady", /^True CertManager/);
  });

  it("takes over what cert-manager renews", async () => {
    const root = loadAuthority(await make("company-root"));
    await playIssuer(root, "agents");
    await untilSignedBy("agents", await secretOf("agents"));
  });

  it("goes back to authorities of its own", async () => {
    const given = await secretOf("agents");
    await hub.configure(makeSpec());
    await hub.untilCondition("SignerReady", /^True SelfSigned/);
    await waitFor("another authority", async () => {
      const trusted = parseCertificates(await hub.secretText("agent-server-ca", "ca.crt"));
      const [theirs] = parseCertificates(given.certificatePem);
      return trusted.length === 1 && !isSameAuthority(trusted[0], theirs);
    });
  });

  const requestOf = (side: Side) => `cluster-proxy-${side.slice(0, -1)}-authority`;

  async function secretOf(side: Side): Promise<KeyPair> {
    const name = requestOf(side);
    return {
      certificatePem: await hub.secretText(name, "tls.crt"),
      keyPem: await hub.secretText(name, "tls.key"),
    };
  }

  /** What cert-manager does for a Certificate: it signs what is asked for, and keeps it as asked. */
  async function playIssuer(root: ReturnType<typeof loadAuthority>, side: Side): Promise<void> {
    const path = `/apis/cert-manager.io/v1/namespaces/${addonNamespace}/certificates/${requestOf(side)}`;
    const found = (await waitFor(path, async () => hub.cluster.api.find(path))) as {
      readonly spec: Readonly<Record<string, unknown>>;
    };
    const { isCA, commonName, secretName, issuerRef, privateKey } = found.spec;
    assert.equal(isCA, true);
    assert.deepEqual(issuerRef, { name: "company", kind: "Issuer", group: "cert-manager.io" });
    assert.deepEqual(privateKey, { algorithm: "ECDSA", size: 256, rotationPolicy: "Always" });
    const now = new Date();
    const notAfter = new Date(now.getTime() + 90 * day);
    const pair = await makeIntermediate(root, String(commonName), { notBefore: now, notAfter });
    await give(String(secretName), pair);
  }
});

/** As much of cert-manager's API as is asked for. */
const certificateCrd = JSON.stringify({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "certificates.cert-manager.io" },
  spec: {
    group: "cert-manager.io",
    scope: "Namespaced",
    names: {
      kind: "Certificate",
      listKind: "CertificateList",
      plural: "certificates",
      singular: "certificate",
    },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              spec: {
                type: "object",
                required: ["issuerRef", "secretName"],
                properties: {
                  isCA: { type: "boolean" },
                  commonName: { type: "string" },
                  secretName: { type: "string" },
                  duration: { type: "string" },
                  renewBefore: { type: "string" },
                  usages: { type: "array", items: { type: "string" } },
                  issuerRef: {
                    type: "object",
                    required: ["name"],
                    properties: {
                      name: { type: "string" },
                      kind: { type: "string" },
                      group: { type: "string" },
                    },
                  },
                  privateKey: {
                    type: "object",
                    properties: {
                      algorithm: { type: "string", enum: ["RSA", "ECDSA", "Ed25519"] },
                      size: { type: "integer" },
                      rotationPolicy: { type: "string", enum: ["Never", "Always"] },
                    },
                  },
                },
              },
              status: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
            },
          },
        },
      },
    ],
  },
});
