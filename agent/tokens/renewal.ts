import { findCondition, managedServiceAccountConditionTypes } from "#api";
import { isRenewalDue, type TokenLife } from "./renewal-time.ts";
import { type PlanSettings, type Snapshot, subjectOf } from "./snapshot.ts";
import { lifeOf } from "./token-life.ts";
import { readValidity } from "./validity.ts";

/** Why a new token is asked for. Also the value of a metric's label: a closed set. */
export type RenewalReason =
  | "ServiceAccountMissing"
  | "SecretMissing"
  | "NeverReported"
  | "TokenUnreadable"
  | "SubjectChanged"
  | "ServiceAccountReplaced"
  | "ValidityChanged"
  | "NearExpiry"
  | "Rejected";

interface Input {
  readonly snapshot: Snapshot;
  readonly settings: PlanSettings;
  readonly nowMs: number;
}

type Check = (input: Input) => boolean;

/** In order: a later check may count on what the earlier ones have ruled out. */
const checks: readonly (readonly [RenewalReason, Check])[] = [
  ["ServiceAccountMissing", ({ snapshot }) => snapshot.serviceAccount === undefined],
  ["SecretMissing", ({ snapshot }) => snapshot.secret === undefined],
  ["NeverReported", ({ snapshot }) => heldLife(snapshot) === undefined],
  ["TokenUnreadable", ({ snapshot }) => snapshot.token?.claims === undefined],
  ["SubjectChanged", hasOtherSubject],
  ["ServiceAccountReplaced", ({ snapshot }) => isOfOtherIncarnation(snapshot)],
  ["ValidityChanged", ({ snapshot }) => hasOtherValidity(snapshot)],
  ["NearExpiry", isNearExpiry],
  ["Rejected", ({ snapshot }) => snapshot.verdict === "rejected"],
];

/** The first reason to ask for a new token, or undefined while the held one is fine. */
export function reasonToRenew(
  snapshot: Snapshot,
  settings: PlanSettings,
  nowMs: number,
): RenewalReason | undefined {
  return checks.find(([, applies]) => applies({ snapshot, settings, nowMs }))?.[0];
}

/** True when the held token belongs to a ServiceAccount of that name that was deleted since. */
export function isOfOtherIncarnation({ token, serviceAccount }: Snapshot): boolean {
  const uid = token?.claims?.serviceAccountUid;
  return uid !== undefined && serviceAccount !== undefined && uid !== serviceAccount.metadata.uid;
}

function heldLife({ account, token }: Snapshot): TokenLife | undefined {
  return lifeOf(account, token?.claims);
}

function hasOtherSubject({ snapshot, settings }: Input): boolean {
  return snapshot.token?.claims?.subject !== subjectOf(snapshot.account, settings.agentNamespace);
}

/**
 * True when the spec has changed since the token was made and asks for another lifetime than it
 * has. Once for each change: a cluster that issues shorter tokens would else renew for ever.
 */
function hasOtherValidity({ account, token }: Snapshot): boolean {
  const type = managedServiceAccountConditionTypes.secretCreated;
  const made = findCondition(account.status.conditions, type);
  if (made?.observedGeneration === account.metadata.generation) return false;
  const validity = readValidity(account);
  const { issuedAtMs, expiresAtMs } = token?.claims ?? {};
  if (validity.kind === "unusable" || issuedAtMs === undefined) return false;
  return expiresAtMs !== issuedAtMs + validity.seconds * 1000;
}

function isNearExpiry({ snapshot, nowMs }: Input): boolean {
  const life = heldLife(snapshot);
  return life !== undefined && isRenewalDue(life, nowMs);
}
