import { X509Certificate as NodeCertificate } from "node:crypto";
import type { KeyPair } from "./authority.ts";
import { type Certificate, isIssuedBy, parseCertificates, type Usage } from "./certificate.ts";
import { canonicalName, type Names } from "./names.ts";
import { parseKey } from "./private-key.ts";

/** Why a certificate has to be made again. */
export interface Violation {
  readonly reason:
    | "Missing"
    | "Unreadable"
    | "OtherAuthority"
    | "OtherNames"
    | "OtherUsages"
    | "NearExpiry";
  readonly message: string;
}

export interface ReissueInput {
  /** What the Secret holds now. */
  readonly current: KeyPair | undefined;
  /** The authority that should have signed it. */
  readonly authority: Pick<Certificate, "pem">;
  readonly names: Names;
  readonly usages: readonly Usage[];
}

/** Share of a lifetime after which a certificate is renewed. */
const renewAfterShare = 0.8;

interface Inspected extends ReissueInput {
  readonly leaf: Certificate;
  readonly now: Date;
}

type Check = (input: Inspected) => Violation | undefined;

const authorityDiffers: Check = ({ leaf, authority }) =>
  isIssuedBy(leaf, authority)
    ? undefined
    : { reason: "OtherAuthority", message: "Certificate is signed by another authority" };

const namesDiffer: Check = ({ leaf, names }) => {
  const wanted = new Set(names.map(canonicalName));
  const missing = [...wanted].filter((name) => !leaf.names.includes(name));
  const extra = leaf.names.filter((name) => !wanted.has(name));
  if (missing.length + extra.length === 0) return undefined;
  const parts = [
    ...(missing.length === 0 ? [] : [`lacks ${missing.join(", ")}`]),
    ...(extra.length === 0 ? [] : [`should not have ${extra.join(", ")}`]),
  ];
  return { reason: "OtherNames", message: `Certificate ${parts.join(" and ")}` };
};

const usagesDiffer: Check = ({ leaf, usages }) =>
  usages.length === leaf.usages.length && usages.every((usage) => leaf.usages.includes(usage))
    ? undefined
    : { reason: "OtherUsages", message: `Certificate is not for ${usages.join(" and ")}` };

const expiryIsNear: Check = ({ leaf, now }) =>
  now >= renewalTime(leaf)
    ? { reason: "NearExpiry", message: `Certificate ends at ${leaf.notAfter.toISOString()}` }
    : undefined;

/** In order: the first one that finds something is what people read. */
const checks: readonly Check[] = [authorityDiffers, namesDiffer, usagesDiffer, expiryIsNear];

/** When a certificate is due to be renewed, well before it ends. */
export function renewalTime({
  notBefore,
  notAfter,
}: Pick<Certificate, "notBefore" | "notAfter">): Date {
  const lifetimeMs = notAfter.getTime() - notBefore.getTime();
  return new Date(notBefore.getTime() + lifetimeMs * renewAfterShare);
}

/** The first reason to issue again, or `undefined` while the certificate is fine. */
export function reasonToReissue(input: ReissueInput, now: Date): Violation | undefined {
  if (input.current === undefined) {
    return { reason: "Missing", message: "There is no certificate" };
  }
  const leaf = inspect(input.current);
  if (leaf === undefined) {
    return { reason: "Unreadable", message: "Certificate and key cannot be read or do not match" };
  }
  for (const check of checks) {
    const violation = check({ ...input, leaf, now });
    if (violation !== undefined) return violation;
  }
  return undefined;
}

function inspect({ certificatePem, keyPem }: KeyPair): Certificate | undefined {
  try {
    const [leaf] = parseCertificates(certificatePem);
    const belongs = new NodeCertificate(leaf.pem).checkPrivateKey(parseKey(keyPem));
    return belongs ? leaf : undefined;
  } catch {
    // Whatever is wrong with it, a new pair takes its place.
    return undefined;
  }
}
