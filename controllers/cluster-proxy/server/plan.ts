import type { Authority } from "#pki";
import { whyReissue } from "../../certificate-plan.ts";
import type { TunnelCertificate } from "./certificates.ts";
import { type Desired, type DesiredOptions, desiredObjects } from "./desired.ts";
import type { Snapshot } from "./gather.ts";

export type Action =
  /** The first certificates need it, so the rest of the plan waits for the next look. */
  | { readonly kind: "makeAuthority" }
  | { readonly kind: "issue"; readonly certificate: TunnelCertificate; readonly why: string }
  | { readonly kind: "apply"; readonly desired: Desired };

/** Decides, and does nothing. `authority` is the one that the signer's Secret holds. */
export function plan(
  snapshot: Snapshot,
  authority: Authority | undefined,
  options: DesiredOptions,
  now: Date,
): readonly Action[] {
  if (authority === undefined) return [{ kind: "makeAuthority" }];
  const issues = snapshot.certificates.flatMap((certificate): Action[] => {
    const violation = whyReissue(certificate.wanted, certificate.secret, authority, now);
    return violation === undefined
      ? []
      : [{ kind: "issue", certificate: certificate.wanted, why: violation.message }];
  });
  const objects = desiredObjects(snapshot.configuration, authority.certificate.pem, options);
  return [...issues, ...objects.map((desired): Action => ({ kind: "apply", desired }))];
}
