import assert from "node:assert/strict";
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { describe, it } from "node:test";
import { asTrustAnchor, createAuthority, type KeyPair, loadAuthority } from "./authority.ts";
import { isIssuedBy, isSameAuthority, parseCertificates } from "./certificate.ts";
import { issueCertificate, signRequest } from "./issue.ts";
import { createKey, keyToPem, signingAlgorithm, signingKey, verifyingKey } from "./private-key.ts";
import { createRequest, parseRequest } from "./request.ts";
import { makeIntermediate } from "./testdata/intermediate.ts";
import { BasicConstraintsExtension, X509CertificateGenerator } from "./x509.ts";

const now = new Date("2026-05-01T12:00:00Z");
const day = 86_400_000;
const authorityPair = await createAuthority({ commonName: "test-ca", lifetimeMs: 10 * day }, now);
const authority = loadAuthority(authorityPair);

describe("createAuthority()", () => {
  it("makes a certificate that may sign and lives as long as asked", () => {
    const { certificate } = authority;
    assert.equal(certificate.commonName, "test-ca");
    assert.equal(certificate.isAuthority, true);
    assert.equal(certificate.notAfter.toISOString(), "2026-05-11T12:00:00.000Z");
    assert.ok(isIssuedBy(certificate, certificate));
  });
});

describe("asTrustAnchor()", () => {
  it("leaves an authority alone that signed itself", async () => {
    assert.equal((await asTrustAnchor(authorityPair)).certificatePem, authority.certificate.pem);
  });

  it("makes the end of all chains of one that another has signed", async () => {
    const lifetime = { notBefore: now, notAfter: new Date(now.getTime() + day) };
    const given = await makeIntermediate(authority, "given", lifetime);
    const anchor = loadAuthority(await asTrustAnchor(given));
    const [before] = parseCertificates(given.certificatePem);
    assert.ok(isIssuedBy(anchor.certificate, anchor.certificate));
    assert.ok(!isIssuedBy(anchor.certificate, authority.certificate));
    assert.ok(isSameAuthority(anchor.certificate, before));
    const options = { commonName: "x", names: ["x"], usages: ["server"] as const };
    const leaf = await issueCertificate(loadAuthority(given), { ...options, lifetimeMs: day }, now);
    assert.ok(isIssuedBy(parseCertificates(leaf.certificatePem)[0], anchor.certificate));
  });
});

describe("issueCertificate()", () => {
  it("carries the names, usages and lifetime that were asked for", async () => {
    const pair = await issueCertificate(
      authority,
      {
        commonName: "server",
        names: ["a.example", "10.0.0.1", "a.example"],
        usages: ["server"],
        lifetimeMs: 2 * day,
      },
      now,
    );
    const [leaf, issuer] = parseCertificates(pair.certificatePem);
    assert.deepEqual(leaf.names, ["a.example", "10.0.0.1"]);
    assert.deepEqual(leaf.usages, ["server"]);
    assert.equal(leaf.isAuthority, false);
    assert.equal(leaf.notAfter.toISOString(), "2026-05-03T12:00:00.000Z");
    assert.ok(issuer !== undefined && isIssuedBy(leaf, issuer));
    assert.ok(new X509Certificate(leaf.pem).checkIP("10.0.0.1"));
  });

  it("never outlives its authority", async () => {
    const options = {
      commonName: "x",
      names: [],
      usages: ["client"],
      lifetimeMs: 99 * day,
    } as const;
    const { certificatePem } = await issueCertificate(authority, options, now);
    assert.deepEqual(parseCertificates(certificatePem)[0].notAfter, authority.certificate.notAfter);
  });

  it("refuses once the authority has expired", async () => {
    const options = { commonName: "x", names: [], usages: ["client"], lifetimeMs: day } as const;
    await assert.rejects(issueCertificate(authority, options, new Date(now.getTime() + 11 * day)), {
      code: "expired_authority",
    });
  });

  it("signs with an RSA authority as other programs leave it in their Secrets", async () => {
    const rsa = loadAuthority(await makeRsaAuthority());
    const options = { commonName: "x", names: ["x"], usages: ["server"], lifetimeMs: day } as const;
    const { certificatePem } = await issueCertificate(rsa, options, now);
    const [leaf] = parseCertificates(certificatePem);
    assert.ok(isIssuedBy(leaf, rsa.certificate));
    assert.equal(isIssuedBy(leaf, authority.certificate), false);
  });
});

describe("signRequest()", () => {
  it("keeps subject and public key of the request, and gives the names that it is told", async () => {
    const key = await createKey();
    const subject = {
      commonName: "system:user",
      organizations: ["group-a", "group, b"],
      organizationalUnits: ["signer-1"],
    };
    const request = await parseRequest(await createRequest(key, subject, ["agent.example"]));
    const pem = await signRequest(
      authority,
      request,
      { names: [...request.names, "c1"], usages: ["server", "client"], lifetimeMs: day },
      now,
    );
    const [leaf] = parseCertificates(pem);
    assert.equal(leaf.commonName, "system:user");
    assert.deepEqual(leaf.organizations, ["group-a", "group, b"]);
    assert.deepEqual(leaf.names, ["agent.example", "c1"]);
    assert.deepEqual(leaf.usages, ["server", "client"]);
    assert.match(new X509Certificate(leaf.pem).subject, /OU=signer-1/);
    assert.ok(new X509Certificate(leaf.pem).checkPrivateKey(key));
  });
});

describe("loadAuthority()", () => {
  it("refuses a key that belongs to another certificate", async () => {
    const other = await createAuthority({ commonName: "other", lifetimeMs: day }, now);
    assert.throws(
      () => loadAuthority({ certificatePem: authorityPair.certificatePem, keyPem: other.keyPem }),
      { code: "key_mismatch" },
    );
  });

  it("refuses a certificate that may not sign", async () => {
    const options = { commonName: "x", names: [], usages: ["server"], lifetimeMs: day } as const;
    const leaf = await issueCertificate(authority, options, now);
    assert.throws(() => loadAuthority(leaf), { code: "not_an_authority" });
  });

  it("never quotes a key that it cannot read", () => {
    const keyPem = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
    assert.throws(
      () => loadAuthority({ certificatePem: authorityPair.certificatePem, keyPem }),
      (error: Error) => !JSON.stringify([error.message, error.cause]).includes("c2VjcmV0"),
    );
  });
});

/** An authority as client-go makes it: RSA 2048, PKCS#8, no authority key identifier. */
async function makeRsaAuthority(): Promise<KeyPair> {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=rsa-ca",
    notBefore: now,
    notAfter: new Date(now.getTime() + 10 * day),
    keys: { privateKey: signingKey(privateKey), publicKey: verifyingKey(privateKey) },
    signingAlgorithm: signingAlgorithm(privateKey),
    extensions: [new BasicConstraintsExtension(true, undefined, true)],
  });
  return { certificatePem: certificate.toString("pem"), keyPem: keyToPem(privateKey) };
}
