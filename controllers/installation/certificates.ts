import type { Secret } from "#api";
import {
  type Authority,
  type Certificate,
  parseCertificates,
  reasonToReissue,
  renewalTime,
  type Usage,
  type Violation,
} from "#pki";
import type { GaugeMetric } from "#runtime";
import { keyPairOf } from "./tls-secret.ts";

/** One certificate that a Secret is to hold. */
export interface WantedCertificate {
  readonly secretName: string;
  readonly namespace: string;
  readonly commonName: string;
  /** DNS names and IP addresses. */
  readonly names: readonly string[];
  readonly usages: readonly Usage[];
}

/** Why the Secret's certificate has to be made again; undefined while it is fine. */
export function whyReissue(
  wanted: WantedCertificate,
  secret: Secret | undefined,
  authority: Authority,
  now: Date,
): Violation | undefined {
  const { names, usages } = wanted;
  const current = keyPairOf(secret);
  const reason = reasonToReissue({ current, authority: authority.certificate, names, usages }, now);
  // Another one would end no later.
  const isPointless = reason?.reason === "NearExpiry" && endsWith(secret, authority);
  return isPointless ? undefined : reason;
}

function endsWith(secret: Secret | undefined, { certificate }: Authority): boolean {
  const leaf = certificateIn(secret);
  return leaf !== undefined && leaf.notAfter >= certificate.notAfter;
}

/** The certificate in a Secret; undefined when there is none that can be read. */
export function certificateIn(secret: Secret | undefined): Certificate | undefined {
  const pair = keyPairOf(secret);
  if (pair === undefined) return undefined;
  try {
    return parseCertificates(pair.certificatePem)[0];
  } catch {
    return undefined;
  }
}

/** Shows when the certificate of a Secret ends; answers the certificate. */
export function observeEnd(
  gauge: GaugeMetric,
  { namespace, secretName }: Pick<WantedCertificate, "namespace" | "secretName">,
  certificate: Certificate | undefined,
): Certificate | undefined {
  const labels = { namespace, secret: secretName };
  if (certificate === undefined) gauge.remove(labels);
  else gauge.set(certificate.notAfter.getTime() / 1000, labels);
  return certificate;
}

/**
 * How long until the first of the certificates is due for renewal; at most `maxMs`. What was due
 * before `now` and was not renewed does not count.
 */
export function msUntilRenewal(
  certificates: readonly (Certificate | undefined)[],
  maxMs: number,
  now: Date,
): number {
  const due = certificates.flatMap((certificate) =>
    certificate === undefined ? [] : [renewalTime(certificate).getTime() - now.getTime()],
  );
  return Math.max(1_000, Math.min(maxMs, ...due.filter((ms) => ms > 0)));
}
