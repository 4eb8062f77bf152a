import { type Authority, type KeyPair, startOf } from "./authority.ts";
import { type Usage, usageOids } from "./certificate.ts";
import { type Names, namesExtension } from "./names.ts";
import { PkiError } from "./pki-error.ts";
import { createKey, keyToPem, signingAlgorithm, signingKey, verifyingKey } from "./private-key.ts";
import { type CertificateRequest, subjectName } from "./request.ts";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequest,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "./x509.ts";

export interface IssueOptions {
  readonly commonName: string;
  readonly organizations?: readonly string[];
  readonly names: Names;
  readonly usages: readonly Usage[];
  /** Cut short where the authority ends earlier. */
  readonly lifetimeMs: number;
}

/** A new key with a certificate that `authority` signs; the chain ends with the authority's own. */
export async function issueCertificate(
  authority: Authority,
  options: IssueOptions,
  now: Date,
): Promise<KeyPair> {
  const key = await createKey();
  const { commonName, organizations = [], names } = options;
  const pem = await sign(authority, {
    ...options,
    subject: subjectName({ commonName, organizations, organizationalUnits: [] }),
    names,
    publicKey: verifyingKey(key),
    now,
  });
  return { certificatePem: `${pem}${authority.certificate.pem}`, keyPem: keyToPem(key) };
}

/**
 * Signs a request: subject and public key are the requester's, everything else is ours. The caller
 * has checked what it asks for, and says which names the certificate speaks for.
 */
export async function signRequest(
  authority: Authority,
  request: CertificateRequest,
  options: Pick<IssueOptions, "names" | "usages" | "lifetimeMs">,
  now: Date,
): Promise<string> {
  const { publicKey } = new Pkcs10CertificateRequest(request.pem);
  const subject = subjectName(request);
  return sign(authority, { ...options, subject, publicKey, now });
}

interface ToBeSigned {
  readonly subject: ReturnType<typeof subjectName>;
  readonly names: Names;
  readonly publicKey: Parameters<typeof SubjectKeyIdentifierExtension.create>[0];
  readonly usages: readonly Usage[];
  readonly lifetimeMs: number;
  readonly now: Date;
}

async function sign(authority: Authority, wanted: ToBeSigned): Promise<string> {
  const { now, publicKey } = wanted;
  const end = authority.certificate.notAfter;
  if (end <= now) {
    throw new PkiError(
      "expired_authority",
      `Cannot sign: authority expired at ${end.toISOString()}`,
    );
  }
  const issuer = new X509Certificate(authority.certificate.pem);
  const certificate = await X509CertificateGenerator.create({
    subject: wanted.subject,
    issuer: issuer.subjectName,
    notBefore: startOf(now),
    notAfter: new Date(Math.min(now.getTime() + wanted.lifetimeMs, end.getTime())),
    publicKey,
    signingKey: signingKey(authority.key),
    signingAlgorithm: signingAlgorithm(authority.key),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment, true),
      new ExtendedKeyUsageExtension(wanted.usages.map((usage) => usageOids[usage])),
      await SubjectKeyIdentifierExtension.create(publicKey),
      ...issuerIdentifier(issuer),
      ...(wanted.names.length === 0 ? [] : [namesExtension(wanted.names)]),
    ],
  });
  return `${certificate.toString("pem")}\n`;
}

/** Verifiers compare it with the issuer's own identifier, so without one there is none to give. */
function issuerIdentifier(issuer: X509Certificate): readonly Extension[] {
  const identifier = issuer.getExtension(SubjectKeyIdentifierExtension);
  return identifier === null ? [] : [new AuthorityKeyIdentifierExtension(identifier.keyId)];
}
