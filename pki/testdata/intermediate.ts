import { type Authority, type KeyPair, loadAuthority } from "../authority.ts";
import {
  createKey,
  keyToPem,
  signingAlgorithm,
  signingKey,
  verifyingKey,
} from "../private-key.ts";
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "../x509.ts";

/** An authority that `parent` has signed, with the chain as cert-manager keeps it. */
export async function makeIntermediate(
  parent: Authority,
  commonName: string,
  { notBefore, notAfter }: { readonly notBefore: Date; readonly notAfter: Date },
): Promise<KeyPair> {
  const key = await createKey();
  const certificate = await X509CertificateGenerator.create({
    subject: [{ CN: [commonName] }],
    issuer: new X509Certificate(parent.certificate.pem).subjectName,
    notBefore,
    notAfter,
    publicKey: verifyingKey(key),
    signingKey: signingKey(parent.key),
    signingAlgorithm: signingAlgorithm(parent.key),
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  const pair = { certificatePem: `${certificate.toString("pem")}\n`, keyPem: keyToPem(key) };
  loadAuthority(pair);
  return { ...pair, certificatePem: pair.certificatePem + parent.certificate.pem };
}
