import { type KeyObject, X509Certificate as NodeCertificate } from "node:crypto";
import { type Certificate, parseCertificates } from "./certificate.ts";
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
  const publicKey = verifyingKey(key);
  const certificate = await X509CertificateGenerator.create({
    subject: [{ CN: [commonName] }],
    issuer: [{ CN: [commonName] }],
    notBefore: startOf(now),
    notAfter: new Date(now.getTime() + lifetimeMs),
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
  return { certificatePem: `${certificate.toString("pem")}\n`, keyPem: keyToPem(key) };
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
