import { X509Certificate as NodeCertificate } from "node:crypto";
import { type Names, namesOf } from "./names.ts";
import { PkiError } from "./pki-error.ts";
import { SubjectAlternativeNameExtension, X509Certificate } from "./x509.ts";

/** What a certificate may be used for in TLS. */
export type Usage = "server" | "client";

export const usageOids: Readonly<Record<Usage, string>> = {
  server: "1.3.6.1.5.5.7.3.1",
  client: "1.3.6.1.5.5.7.3.2",
};

/** What one certificate says. */
export interface Certificate {
  readonly pem: string;
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly names: Names;
  readonly usages: readonly Usage[];
  readonly isAuthority: boolean;
  /** SPKI in PEM; equal for certificates of one key. */
  readonly publicKeyPem: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

const block = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/** The certificates of a PEM file, in order, leaf first. Throws a {@link PkiError} for none. */
export function parseCertificates(pem: string): readonly [Certificate, ...Certificate[]] {
  const [first, ...rest] = (pem.match(block) ?? []).map(parseOne);
  if (first === undefined) {
    throw new PkiError("bad_certificate", "Cannot read certificate: no PEM block in it");
  }
  return [first, ...rest];
}

/** True when `issuer` signed `certificate`. Says nothing about dates. */
export function isIssuedBy(
  certificate: Pick<Certificate, "pem">,
  issuer: Pick<Certificate, "pem">,
): boolean {
  const child = new NodeCertificate(certificate.pem);
  const parent = new NodeCertificate(issuer.pem);
  return child.checkIssued(parent) && child.verify(parent.publicKey);
}

/** True for certificates of one authority: of one name, key and lifetime, whoever signed them. */
export function isSameAuthority(one: Certificate, other: Certificate): boolean {
  return (
    one.commonName === other.commonName &&
    one.publicKeyPem === other.publicKeyPem &&
    one.notBefore.getTime() === other.notBefore.getTime() &&
    one.notAfter.getTime() === other.notAfter.getTime()
  );
}

function parseOne(pem: string): Certificate {
  try {
    const x509 = new X509Certificate(pem);
    const node = new NodeCertificate(pem);
    // Absent without the extension, whatever the declared type says.
    const oids = (node.keyUsage as readonly string[] | undefined) ?? [];
    const names = x509.getExtension(SubjectAlternativeNameExtension);
    return {
      pem: `${pem}\n`,
      commonName: x509.subjectName.getField("CN")[0] ?? "",
      organizations: x509.subjectName.getField("O"),
      names: names === null ? [] : namesOf(names.names),
      usages: (["server", "client"] as const).filter((usage) => oids.includes(usageOids[usage])),
      isAuthority: node.ca,
      publicKeyPem: node.publicKey.export({ type: "spki", format: "pem" }),
      notBefore: x509.notBefore,
      notAfter: x509.notAfter,
    };
  } catch (error) {
    throw new PkiError("bad_certificate", "Cannot read certificate", { cause: error });
  }
}
