import { isDeepStrictEqual } from "node:util";
import {
  type Condition,
  type ConditionUpdate,
  isConditionTrue,
  type ManagedServiceAccount,
  type ManagedServiceAccountStatus,
  managedServiceAccountReasons as reasons,
  type TokenClaims,
  timestamp,
  managedServiceAccountConditionTypes as types,
  withCondition,
} from "#api";
import { formatGoDuration } from "#runtime";
import type { Refusal } from "./refusal.ts";
import { isRenewalDue, type TokenLife } from "./renewal-time.ts";
import { lifeOf } from "./token-life.ts";
import { readValidity } from "./validity.ts";

/**
 * The status once the hub Secret is as it should be: with a token that has just been `issued`, whose
 * expiry is what the API server granted, or with the one it had.
 */
export function statusOfSuccess(
  account: ManagedServiceAccount,
  claims: TokenClaims | undefined,
  issued: TokenLife | undefined,
  now: Date,
): ManagedServiceAccountStatus {
  const conditions = withConditions(account, now, [
    { type: types.secretCreated, status: "True", reason: reasons.secretCreated, message: "" },
    {
      type: types.tokenReported,
      status: "True",
      reason: reasons.tokenReported,
      message: shortenedMessage(account, claims),
    },
  ]);
  const life = issued ?? lifeOf(account, claims);
  if (life === undefined) return { ...account.status, conditions };
  return {
    ...account.status,
    conditions,
    expirationTimestamp: timestamp(new Date(life.expiresAtMs)),
    tokenSecretRef: {
      name: account.metadata.name,
      lastRefreshTimestamp: timestamp(new Date(life.refreshedAtMs)),
    },
  };
}

/**
 * The status after a failure or a refusal. The token in the Secret may still be good, so that all
 * else stays as it was; `hasSecret` is undefined when nobody could look.
 */
export function statusOfFailure(
  account: ManagedServiceAccount,
  { reason, message }: Refusal,
  hasSecret: boolean | undefined,
  now: Date,
): ManagedServiceAccountStatus {
  const updates: Omit<ConditionUpdate, "observedGeneration">[] = [
    { type: types.tokenReported, status: "False", reason, message },
  ];
  if (hasSecret === false) {
    const missing = "There is no Secret with a token on the hub";
    const why = { status: "False", reason: reasons.secretMissing, message: missing } as const;
    updates.unshift({ type: types.secretCreated, ...why });
  }
  return { ...account.status, conditions: withConditions(account, now, updates) };
}

/** True when nothing would change, so that nothing needs to be written. */
export function isSameStatus(
  a: ManagedServiceAccountStatus,
  b: ManagedServiceAccountStatus,
): boolean {
  return isDeepStrictEqual(a, b);
}

/** True while the last report was good and no renewal is due: a passing fault is no news then. */
export function isReportStanding(account: ManagedServiceAccount, nowMs: number): boolean {
  const life = lifeOf(account, undefined);
  if (life === undefined || isRenewalDue(life, nowMs)) return false;
  return isConditionTrue(account.status.conditions, types.tokenReported);
}

function withConditions(
  { metadata, status }: ManagedServiceAccount,
  now: Date,
  updates: readonly Omit<ConditionUpdate, "observedGeneration">[],
): Condition[] {
  let conditions: readonly Condition[] = status.conditions;
  for (const update of updates) {
    const { generation } = metadata;
    const seen = generation === undefined ? {} : { observedGeneration: generation };
    conditions = withCondition(conditions, { ...update, ...seen }, now);
  }
  return [...conditions];
}

/** Names both durations where the cluster grants less than was asked for. */
function shortenedMessage(account: ManagedServiceAccount, claims: TokenClaims | undefined): string {
  const validity = readValidity(account);
  const { issuedAtMs, expiresAtMs } = claims ?? {};
  if (validity.kind === "unusable" || issuedAtMs === undefined || expiresAtMs === undefined) {
    return "";
  }
  const grantedMs = expiresAtMs - issuedAtMs;
  if (grantedMs >= validity.seconds * 1000) return "";
  const asked = account.spec.rotation.validity;
  return `Asked for ${asked}, the managed cluster grants ${formatGoDuration(grantedMs)}`;
}
