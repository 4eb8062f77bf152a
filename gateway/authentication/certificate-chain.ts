import type { X509Certificate } from "node:crypto";

const clientAuthOid = "1.3.6.1.5.5.7.3.2";
const maxDepth = 4;

/** A client's certificate and what it sent along to prove it. */
export interface ClientChain {
  readonly leaf: X509Certificate;
  readonly intermediates: readonly X509Certificate[];
}

/**
 * True when the client's certificate is valid now, may be used by clients, and a chain of
 * signatures leads from it to one of `roots`. Every signature is checked: what a client sends along
 * only counts for what it proves.
 */
export function isClientOf(
  { leaf, intermediates }: ClientChain,
  roots: readonly X509Certificate[],
  now: Date,
): boolean {
  // Absent without the extension, whatever the declared type says.
  const usages = leaf.keyUsage as readonly string[] | undefined;
  if (usages !== undefined && !usages.includes(clientAuthOid)) return false;
  return leadsTo(leaf, intermediates, roots, now, maxDepth);
}

function leadsTo(
  certificate: X509Certificate,
  intermediates: readonly X509Certificate[],
  roots: readonly X509Certificate[],
  now: Date,
  depth: number,
): boolean {
  if (depth === 0 || !isCurrent(certificate, now)) return false;
  if (roots.some((root) => isCurrent(root, now) && isSignedBy(certificate, root))) return true;
  return intermediates.some(
    (issuer) =>
      issuer.ca &&
      isSignedBy(certificate, issuer) &&
      leadsTo(issuer, intermediates, roots, now, depth - 1),
  );
}

function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function isCurrent({ validFromDate, validToDate }: X509Certificate, now: Date): boolean {
  return validFromDate <= now && now <= validToDate;
}
