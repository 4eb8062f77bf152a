import { type KeyObject, X509Certificate as NodeCertificate } from "node:crypto";
import { type Certificate, isIssuedBy, parseCertificates } from "./certificate.ts";
import { PkiError } from "./pki-error.ts";
import {
  createKey,
  keyToPem,
  parseKey,
  signingAlgorithm,
  signingKey,
  verifyingKey,
} from "./private-key.ts";
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "./x509.ts";

/** A certificate with its private key, both PEM, as a Secret keeps them. */
export interface KeyPair {
  /** One certificate or a chain, leaf first. */
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** Signs certificates. */
export interface Authority {
  readonly certificate: Certificate;
  readonly key: KeyObject;
}

export interface AuthorityOptions {
  readonly commonName: string;
  readonly lifetimeMs: number;
}

/** A new self-signed authority, as the PEM pair that a Secret keeps. */
export async function createAuthority(
  { commonName, lifetimeMs }: AuthorityOptions,
  now: Date,
): Promise<KeyPair> {
  const key = await createKey();
  const certificatePem = await selfSign(key, {
    name: [{ CN: [commonName] }],
    notBefore: startOf(now),
    notAfter: new Date(now.getTime() + lifetimeMs),
  });
  return { certificatePem, keyPem: keyToPem(key) };
}

/**
 * The same authority as the end of all chains: with the same name, key and lifetime, signed by
 * itself. One that another authority has signed is no anchor for many verifiers, unless they trust
 * that other one and so everything else that it signs.
 */
export async function asTrustAnchor(pair: KeyPair): Promise<KeyPair> {
  const { certificate, key } = loadAuthority(pair);
  const { pem, notBefore, notAfter } = certificate;
  if (isIssuedBy(certificate, certificate)) return { certificatePem: pem, keyPem: pair.keyPem };
  const name = new X509Certificate(pem).subjectName;
  return {
    certificatePem: await selfSign(key, { name, notBefore, notAfter }),
    keyPem: pair.keyPem,
  };
}

interface SelfSigned {
  readonly name: X509Certificate["subjectName"] | Record<string, string[]>[];
  readonly notBefore: Date;
  readonly notAfter: Date;
}

async function selfSign(
  key: KeyObject,
  { name, notBefore, notAfter }: SelfSigned,
): Promise<string> {
  const publicKey = verifyingKey(key);
  const certificate = await X509CertificateGenerator.create({
    subject: name,
    issuer: name,
    notBefore,
    notAfter,
    publicKey,
    signingKey: signingKey(key),
    signingAlgorithm: signingAlgorithm(key),
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(
        KeyUsageFlags.digitalSignature | KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign,
        true,
      ),
      await SubjectKeyIdentifierExtension.create(publicKey),
    ],
  });
  return `${certificate.toString("pem")}\n`;
}

/**
 * Reads an authority from its PEM pair; of several certificates the first counts. Throws a
 * {@link PkiError} when the two do not belong together or may not sign.
 */
export function loadAuthority({ certificatePem, keyPem }: KeyPair): Authority {
  const [certificate] = parseCertificates(certificatePem);
  const key = parseKey(keyPem);
  if (!certificate.isAuthority) {
    throw new PkiError("not_an_authority", "Cannot sign with a certificate that is no authority");
  }
  if (!new NodeCertificate(certificate.pem).checkPrivateKey(key)) {
    throw new PkiError("key_mismatch", "Cannot sign: certificate and private key do not match");
  }
  return { certificate, key };
}

/** Certificates start a little in the past, for readers whose clock is behind. */
const backdateMs = 60_000;

/** When a certificate that is made now begins to count. */
export function startOf(now: Date): Date {
  return new Date(now.getTime() - backdateMs);
}
