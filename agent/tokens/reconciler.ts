import {
  findCondition,
  type ManagedServiceAccount,
  managedServiceAccountConditionTypes,
  managedServiceAccountReasons,
  readTokenClaims,
  type TokenClaims,
} from "#api";
import {
  type FreshView,
  isApiError,
  keyOfObject,
  type Outcome,
  type Reconciler,
  recheckAfter,
  settled,
} from "#kube";
import { describeError, isAbortError, type Logger } from "#runtime";
import { isAnchored } from "./anchors.ts";
import { type GatherPorts, gather } from "./gather.ts";
import {
  anchorServiceAccount,
  createServiceAccount,
  type PerformPorts,
  requestToken,
  writeSecret,
  writeStatus,
} from "./perform.ts";
import { type Plan, planToken } from "./plan.ts";
import { isManaged, type Refusal } from "./refusal.ts";
import { renewalDelayMs, type TokenLife } from "./renewal-time.ts";
import type { Snapshot } from "./snapshot.ts";
import { isReportStanding, statusOfFailure, statusOfSuccess } from "./status.ts";
import type { TokenEvents } from "./token-events.ts";
import { lifeOf } from "./token-life.ts";
import type { TokenMetrics } from "./token-metrics.ts";

export interface TokenPorts extends GatherPorts, PerformPorts {
  readonly accounts: FreshView<ManagedServiceAccount>;
  readonly secrets: GatherPorts["secrets"] & PerformPorts["secrets"];
  readonly serviceAccounts: GatherPorts["serviceAccounts"] & PerformPorts["serviceAccounts"];
  /** Removes what belongs to an account that is gone. */
  readonly release: (key: string, signal: AbortSignal) => Promise<void>;
  /** How long the managed cluster may go without being asked about a token. */
  readonly reviewEveryMs: () => number;
  readonly metrics: TokenMetrics;
  readonly events: TokenEvents;
  readonly log: Logger;
}

/** How often a refused account is looked at again: what stands in its way is not watched. */
const refusedRecheckMs = 120_000;

/** Keeps a fresh token of one ManagedServiceAccount on the hub. Keys are `namespace/name`. */
export function createTokenReconciler(ports: TokenPorts): Reconciler<string> {
  return {
    name: "token",
    async reconcile(key, signal) {
      const account = ports.accounts.get(key);
      if (account === undefined) {
        await ports.release(key, signal);
        return settled;
      }
      let snapshot: Snapshot | undefined;
      try {
        snapshot = await gather(ports, account, signal);
        const plan = planToken(snapshot, ports.settings, ports.now());
        return await carryOut(ports, snapshot, plan, signal);
      } catch (error) {
        if (!isAbortError(error, signal)) await report(ports, account, snapshot, error, signal);
        throw error;
      }
    },
  };
}

async function carryOut(
  ports: TokenPorts,
  snapshot: Snapshot,
  plan: Plan,
  signal: AbortSignal,
): Promise<Outcome> {
  switch (plan.kind) {
    case "leave":
      return settled;
    case "refuse":
      await refuse(ports, snapshot, plan.refusal, signal);
      return recheckAfter(refusedRecheckMs);
    case "renew":
      return renew(ports, snapshot, plan, signal);
    case "repair":
    case "keep":
      if (plan.kind === "repair") await repair(ports, snapshot, signal);
      await anchor(ports, snapshot, signal);
      await succeed(ports, snapshot.account, snapshot.token?.claims, undefined, signal);
      return recheckAfter(Math.min(plan.renewalInMs, ports.reviewEveryMs()));
  }
}

async function renew(
  ports: TokenPorts,
  snapshot: Snapshot,
  plan: Extract<Plan, { kind: "renew" }>,
  signal: AbortSignal,
): Promise<Outcome> {
  const { account } = snapshot;
  const key = keyOfObject(account);
  if (plan.createsServiceAccount) await createServiceAccount(ports, account, signal);
  const granted = await requestToken(ports, account, plan.validitySeconds, signal);
  await writeSecret(ports, snapshot, granted.text, signal);
  ports.reviews.remember(key, granted.text, ports.now());
  const issued = { refreshedAtMs: ports.now(), expiresAtMs: granted.expiresAt.getTime() };
  await succeed(ports, account, readTokenClaims(granted.text), issued, signal);
  ports.metrics.renewed(plan.reason);
  const expires = granted.expiresAt.toISOString();
  ports.log.info("Token refreshed", { account: key, reason: plan.reason, expires });
  await ports.events.refreshed(account, `Token issued (${plan.reason}), it expires at ${expires}`);
  return recheckAfter(Math.min(renewalDelayMs(issued, ports.now()), ports.reviewEveryMs()));
}

async function repair(ports: TokenPorts, snapshot: Snapshot, signal: AbortSignal): Promise<void> {
  const { account, token } = snapshot;
  if (token === undefined) return;
  await writeSecret(ports, snapshot, token.text, signal);
  ports.log.info("Secret repaired around its token", { account: keyOfObject(account) });
}

/** Without it all works the same, but for the addon's removal: that must not cost a token today. */
async function anchor(
  ports: TokenPorts,
  { account, serviceAccount }: Snapshot,
  signal: AbortSignal,
): Promise<void> {
  if (serviceAccount === undefined || !isManaged(serviceAccount)) return;
  if (isAnchored(serviceAccount, ports.settings.ownNames)) return;
  try {
    await anchorServiceAccount(ports, serviceAccount, signal);
  } catch (error) {
    if (isAbortError(error, signal)) throw error;
    const fields = { account: keyOfObject(account), error: describeError(error) };
    ports.log.warn("ServiceAccount would outlive the addon", fields);
  }
}

async function succeed(
  ports: TokenPorts,
  account: ManagedServiceAccount,
  claims: TokenClaims | undefined,
  issued: TokenLife | undefined,
  signal: AbortSignal,
): Promise<void> {
  const now = new Date(ports.now());
  await writeStatus(ports, account, (at) => statusOfSuccess(at, claims, issued, now), signal);
  const life = issued ?? lifeOf(account, claims);
  if (life !== undefined) ports.metrics.holds(account.metadata.name, life.expiresAtMs);
}

async function refuse(
  ports: TokenPorts,
  { account, secret }: Snapshot,
  refusal: Refusal,
  signal: AbortSignal,
): Promise<void> {
  const now = new Date(ports.now());
  const hasSecret = secret !== undefined && refusal.reason !== "SecretNotOurs";
  const isNews = !isReported(account, refusal);
  await writeStatus(ports, account, (at) => statusOfFailure(at, refusal, hasSecret, now), signal);
  if (!isNews) return;
  ports.metrics.failed(refusal.reason);
  ports.log.warn("Account refused", { account: keyOfObject(account), ...refusal });
  await ports.events.failed(account, refusal.message);
}

/** Says on the hub what went wrong. What goes wrong with that is logged, never thrown. */
async function report(
  ports: TokenPorts,
  account: ManagedServiceAccount,
  snapshot: Snapshot | undefined,
  error: unknown,
  signal: AbortSignal,
): Promise<void> {
  // Another agent or an older cache got in between; the next look, at once, settles it.
  if (isApiError(error, "conflict", "already_exists")) return;
  ports.metrics.failed(isApiError(error) ? error.code : "error");
  const isPassing = isApiError(error, "unreachable", "timeout", "server", "too_many_requests");
  if (isPassing && isReportStanding(account, ports.now())) return;
  const reason = managedServiceAccountReasons.tokenReportFailed;
  const failure = { reason, message: describeError(error).slice(0, 4096) };
  const hasSecret = snapshot === undefined ? undefined : snapshot.secret !== undefined;
  const now = new Date(ports.now());
  try {
    await writeStatus(ports, account, (at) => statusOfFailure(at, failure, hasSecret, now), signal);
  } catch (statusError) {
    const fields = { account: keyOfObject(account), error: describeError(statusError) };
    ports.log.warn("Cannot report failure", fields);
  }
  if (!isReported(account, failure)) await ports.events.failed(account, failure.message);
}

function isReported({ status }: ManagedServiceAccount, { reason, message }: Refusal): boolean {
  const { tokenReported } = managedServiceAccountConditionTypes;
  const told = findCondition(status.conditions, tokenReported);
  return told?.status === "False" && told.reason === reason && told.message === message;
}
