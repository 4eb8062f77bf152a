import type { CertificateSigningRequest } from "#api";
import { type Objection, objectionTo } from "./checks.ts";
import type { Snapshot } from "./snapshot.ts";

/** What is done about one request. Nothing is ever denied: another approver may know better. */
export type Plan =
  | { readonly kind: "nothing" }
  | { readonly kind: "approve" }
  | { readonly kind: "sign" }
  | { readonly kind: "leave"; readonly objection: Objection };

/**
 * Approves what an agent may have, and signs what our own signers are asked for. An approval by
 * somebody else does not make up for an objection when it is we who sign.
 */
export function plan(snapshot: Snapshot, isOwnSigner: boolean): Plan {
  const { request } = snapshot;
  const isApproved = isDecided(request, "Approved");
  if (isDone(request) || (isApproved && !isOwnSigner)) return { kind: "nothing" };
  const objection = objectionTo(snapshot);
  if (objection !== undefined) return { kind: "leave", objection };
  return { kind: isApproved ? "sign" : "approve" };
}

function isDone(request: CertificateSigningRequest): boolean {
  const hasCertificate = (request.status?.certificate ?? "") !== "";
  return hasCertificate || isDecided(request, "Denied") || isDecided(request, "Failed");
}

function isDecided({ status }: CertificateSigningRequest, type: string): boolean {
  return (
    status?.conditions?.some((entry) => entry.type === type && entry.status !== "False") === true
  );
}
