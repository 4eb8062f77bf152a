import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type AuthoritySigner, authoritySigner, type Secret } from "#api";
import { createAuthority, issueCertificate, type KeyPair, loadAuthority } from "#pki";
import { tlsSecret } from "../../installation/tls-secret.ts";
import { byAuthority } from "./authorities.ts";
import { type FoundSources, judgeSources } from "./sources.ts";

const now = new Date("2026-05-01T12:00:00Z");
const day = 86_400_000;
const at = (days: number): Date => new Date(now.getTime() + days * day);
const places = byAuthority((name) => ({ namespace: "addons", name, commonName: name }));

const providedSigner = authoritySigner.parse({
  type: "Provided",
  provided: { agentAuthoritySecretName: "a", frontendAuthoritySecretName: "f" },
});
const managedSigner = authoritySigner.parse({
  type: "CertManager",
  certManager: { issuerRef: { name: "root" } },
});

const make = async (made = now): Promise<KeyPair> =>
  createAuthority({ commonName: "given", lifetimeMs: 10 * day }, made);
const [first, second, later] = await Promise.all([make(), make(), make(at(5))]);
const root = loadAuthority(second);
const chained = { ...first, certificatePem: first.certificatePem + second.certificatePem };
const leaf = await issueCertificate(
  root,
  { commonName: "leaf", names: ["leaf"], usages: ["client"], lifetimeMs: day },
  now,
);

const secret = (pair: KeyPair): Secret => tlsSecret({ name: "s" }, pair);

function makeFound(
  agents: Secret | undefined,
  overrides: Partial<FoundSources> = {},
): FoundSources {
  return {
    isServed: true,
    secrets: { agents, frontends: secret(second) },
    certificates: byAuthority(() => undefined),
    ...overrides,
  };
}

function judged(found: FoundSources, signer: AuthoritySigner = providedSigner, on = now) {
  const { source, problem } = judgeSources(signer, places, found, on).agents;
  return { kind: source.kind, reason: problem?.reason, message: problem?.message ?? "" };
}

describe("judgeSources()", () => {
  it("makes our own authorities unless somebody else is the signer", () => {
    const { agents } = judgeSources(authoritySigner.parse({}), places, undefined, now);
    assert.deepEqual(agents, { source: { kind: "own" }, problem: undefined });
  });

  interface Case {
    readonly found: FoundSources;
    readonly want: readonly [kind: string, reason: string | undefined, message: RegExp];
    readonly on?: Date;
    readonly signer?: AuthoritySigner;
  }
  const usable = ["given", undefined, /^$/] as const;
  const unusable = (message: RegExp) => ["waiting", "SecretUnusable", message] as const;
  const cases: Readonly<Record<string, Case>> = {
    "takes an authority in tls.crt and tls.key": { found: makeFound(secret(first)), want: usable },
    "takes one in ca.crt and ca.key": {
      found: makeFound({
        metadata: { name: "s" },
        data: {
          "ca.crt": Buffer.from(first.certificatePem).toString("base64"),
          "ca.key": Buffer.from(first.keyPem).toString("base64"),
        },
      }),
      want: usable,
    },
    "takes one with what stands above it": { found: makeFound(secret(chained)), want: usable },
    "waits for the Secret": {
      found: makeFound(undefined),
      want: ["waiting", "SecretMissing", /^Secret addons\/a is not there$/],
    },
    "takes no Secret without a key": {
      found: makeFound({ metadata: { name: "s" }, data: {} }),
      want: unusable(/^Secret addons\/a has neither/),
    },
    "takes no certificate with another's key": {
      found: makeFound(secret({ ...first, keyPem: second.keyPem })),
      want: unusable(/Secret addons\/a cannot be used: .*do not match/),
    },
    "takes no certificate that is no authority": {
      found: makeFound(secret(leaf)),
      want: unusable(/no authority/),
    },
    "takes nothing that cannot be read": {
      found: makeFound(secret({ certificatePem: "x", keyPem: "y" })),
      want: unusable(/no PEM block/),
    },
    "takes none that has ended": {
      found: makeFound(secret(first), {
        secrets: { agents: secret(first), frontends: secret(later) },
      }),
      on: at(11),
      want: ["waiting", "Expired", /Secret addons\/a ended at 2026-05-11/],
    },
    "takes none that has not begun": {
      found: makeFound(secret(later)),
      want: unusable(/begins at 2026-05-06/),
    },
    "takes one that ends soon, and says so": {
      found: makeFound(secret(first)),
      on: at(9),
      want: ["given", "RenewalDue", /Secret addons\/a ends at 2026-05-11/],
    },
    "takes no authority for both sides": {
      found: makeFound(secret(second)),
      want: ["waiting", "SameAuthority", /the authority for frontends/],
    },
    "says that cert-manager is not there": {
      found: makeFound(undefined, { isServed: false }),
      signer: managedSigner,
      want: ["waiting", "CertManagerMissing", /not installed/],
    },
    "says why cert-manager has not issued one": {
      found: makeFound(undefined, {
        certificates: {
          frontends: undefined,
          agents: {
            metadata: { name: "c" },
            status: {
              conditions: [
                { type: "Ready", status: "False", reason: "DoesNotExist", message: "no issuer" },
              ],
            },
          },
        },
      }),
      signer: managedSigner,
      want: ["waiting", "NotYetIssued", /cluster-proxy-agent-authority yet: no issuer/],
    },
  };
  for (const [name, { found, want, on, signer }] of Object.entries(cases)) {
    it(name, () => {
      const { kind, reason, message } = judged(found, signer, on);
      assert.deepEqual([kind, reason], want.slice(0, 2));
      assert.match(message, want[2]);
    });
  }

  it("trusts nothing that stands above a given authority", () => {
    const { source } = judgeSources(providedSigner, places, makeFound(secret(chained)), now).agents;
    assert.ok(source.kind === "given");
    assert.ok(!source.pair.certificatePem.includes(second.certificatePem.trim()));
  });

  it("shows no key in what it says", () => {
    const { message } = judged(makeFound(secret({ ...first, keyPem: second.keyPem })));
    assert.doesNotMatch(message, /PRIVATE|BEGIN/);
  });
});
