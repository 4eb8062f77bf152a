import { type Refusal, reasonToRefuse } from "./refusal.ts";
import { isOfOtherIncarnation, type RenewalReason, reasonToRenew } from "./renewal.ts";
import { renewalDelayMs } from "./renewal-time.ts";
import type { PlanSettings, Snapshot } from "./snapshot.ts";
import { lifeOf } from "./token-life.ts";
import { isAsDesired } from "./token-secret.ts";
import { readValidity } from "./validity.ts";

/** What is to be done for one account. */
export type Plan =
  /** Nothing, and the conditions say why. */
  | { readonly kind: "refuse"; readonly refusal: Refusal }
  /** Nothing: the account is being deleted, and what is gone stays gone. */
  | { readonly kind: "leave" }
  /** A new token, in a Secret as it should be. */
  | {
      readonly kind: "renew";
      readonly reason: RenewalReason;
      readonly createsServiceAccount: boolean;
      readonly validitySeconds: number;
    }
  /** The same token, in a Secret as it should be. */
  | { readonly kind: "repair"; readonly renewalInMs: number }
  /** All is well. */
  | { readonly kind: "keep"; readonly renewalInMs: number };

/** Decides, and does nothing. */
export function planToken(snapshot: Snapshot, settings: PlanSettings, nowMs: number): Plan {
  const refusal = reasonToRefuse(snapshot, settings);
  if (refusal !== undefined) return { kind: "refuse", refusal };
  const reason = reasonToRenew(snapshot, settings, nowMs);
  if (isLeaving(snapshot)) return { kind: "leave" };
  if (reason !== undefined) return planRenewal(snapshot, reason);
  const life = lifeOf(snapshot.account, snapshot.token?.claims);
  const renewalInMs = life === undefined ? 0 : renewalDelayMs(life, nowMs);
  return { kind: isAsDesired(snapshot) ? "keep" : "repair", renewalInMs };
}

/**
 * True when only the managed cluster can tell whether the held token is fine: nothing that is
 * known here speaks against it.
 */
export function needsReview(snapshot: Snapshot, settings: PlanSettings, nowMs: number): boolean {
  const { kind } = planToken(snapshot, settings, nowMs);
  return kind === "keep" || kind === "repair";
}

/** True when the ServiceAccount as remembered does not fit the token, so that it is worth a look. */
export function needsFreshServiceAccount(snapshot: Snapshot): boolean {
  return snapshot.serviceAccount === undefined || isOfOtherIncarnation(snapshot);
}

function planRenewal(snapshot: Snapshot, reason: RenewalReason): Plan {
  const validity = readValidity(snapshot.account);
  if (validity.kind === "unusable") throw new RangeError(validity.message);
  return {
    kind: "renew",
    reason,
    createsServiceAccount: snapshot.serviceAccount === undefined,
    validitySeconds: validity.seconds,
  };
}

/** True when the account is going away and part of what belongs to it has gone already. */
function isLeaving({ account, secret, serviceAccount }: Snapshot): boolean {
  if (account.metadata.deletionTimestamp === undefined) return false;
  return secret === undefined || serviceAccount === undefined;
}
