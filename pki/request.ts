import type { KeyObject } from "node:crypto";
import { type Names, namesExtension, namesOf } from "./names.ts";
import { PkiError } from "./pki-error.ts";
import { signingAlgorithm, signingKey, verifyingKey } from "./private-key.ts";
import {
  Pkcs10CertificateRequest,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
} from "./x509.ts";

/** Whom a certificate is to be for. */
export interface Subject {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly organizationalUnits: readonly string[];
}

/** What a signing request asks for; its signature has been checked. */
export interface CertificateRequest extends Subject {
  readonly pem: string;
  readonly names: Names;
}

/**
 * Reads one signing request and checks that its maker holds the private key. Throws a
 * {@link PkiError} otherwise. Whether what it asks for may be granted is the caller's business.
 */
export async function parseRequest(pem: string): Promise<CertificateRequest> {
  try {
    const request = new Pkcs10CertificateRequest(pem);
    if (!(await request.verify())) throw new Error("its signature does not match its public key");
    const names = request.extensions.find(
      (extension) => extension instanceof SubjectAlternativeNameExtension,
    );
    return {
      pem,
      commonName: single(request.subjectName.getField("CN"), "common name"),
      organizations: request.subjectName.getField("O"),
      organizationalUnits: request.subjectName.getField("OU"),
      names: names === undefined ? [] : namesOf(names.names),
    };
  } catch (error) {
    throw new PkiError("bad_request", "Cannot read certificate request", { cause: error });
  }
}

/** A signing request for `subject`, made with `key`. */
export async function createRequest(
  key: KeyObject,
  subject: Subject,
  names: Names,
): Promise<string> {
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: subjectName(subject),
    keys: { privateKey: signingKey(key), publicKey: verifyingKey(key) },
    signingAlgorithm: signingAlgorithm(key),
    extensions: names.length === 0 ? [] : [namesExtension(names)],
  });
  return `${request.toString("pem")}\n`;
}

/** The subject in the form that the X.509 library takes. */
export function subjectName({ commonName, organizations, organizationalUnits }: Subject) {
  return [
    ...organizations.map((name) => ({ O: [name] })),
    ...organizationalUnits.map((name) => ({ OU: [name] })),
    { CN: [commonName] },
  ];
}

function single(values: readonly string[], what: string): string {
  const [value, ...others] = values;
  if (value === undefined || others.length > 0) throw new Error(`it has not exactly one ${what}`);
  return value;
}
