import { isDeepStrictEqual } from "node:util";
import {
  accountOutputKinds,
  type Condition,
  findCondition,
  type ManagedServiceAccount,
  managedServiceAccountConditionTypes,
  managedServiceAccounts,
  accountOutputReasons as reasons,
} from "#api";
import {
  type EventRecorder,
  ignoreNotFound,
  isApiError,
  type ObjectCache,
  type Reconciler,
  recheckAfter,
  resourcePath,
  settled,
} from "#kube";
import { type CounterMetric, describeError, type Logger } from "#runtime";
import { carryOut } from "../../carry-out.ts";
import { isForProfiles } from "./desired.ts";
import { gather, madeFor, type OutputSources } from "./gather.ts";
import { perform } from "./perform.ts";
import { type OutputAction, type OutputVerdict, planOutputs } from "./plan.ts";
import { keyOfPlace, type Place } from "./snapshot.ts";
import { conditionsWith } from "./status.ts";

export interface OutputPorts extends OutputSources {
  readonly accounts: Pick<ObjectCache<ManagedServiceAccount>, "get">;
  readonly events: EventRecorder;
  readonly metrics: OutputMetrics;
  readonly log: Logger;
}

export interface OutputMetrics {
  /** Outputs that were written or removed; labels output and action. */
  readonly actions: CounterMetric;
  /** Outputs that became refused; labels output and reason. */
  readonly refusals: CounterMetric;
}

/** No watch tells when a Secret of others, which stood in the way, is gone. */
const refusedRecheckMs = 60_000;

const conditionType = managedServiceAccountConditionTypes.outputsReady;

/**
 * Keeps what accounts ask for beside their token: fresh with the token, whole when somebody edits
 * it, and gone with the account, the field, the addon or the cluster.
 */
export function createOutputReconciler(ports: OutputPorts): Reconciler<string> {
  return {
    name: "managed-serviceaccount-outputs",
    async reconcile(key, signal) {
      const account = ports.accounts.get(key);
      if (!hasWork(ports, key, account)) return settled;
      // An account that the cache could not read, or has yet to hear of, is not gone.
      if (account === undefined && (await isThere(ports, key, signal))) return settled;
      const snapshot = await gather(ports, key, account, signal);
      const { actions, verdicts } = planOutputs(snapshot);
      const { failures, failure } = await carryOutAll(ports, key, actions, signal);
      // Two writers met: the next look settles it, and nobody needs to hear of it.
      if (isApiError(failure, "conflict", "already_exists")) throw failure;
      const outcome = verdicts.map((verdict) => withFailure(verdict, failures));
      if (account !== undefined) await report(ports, account, outcome, signal);
      if (failure !== undefined) throw failure;
      return outcome.some(({ refusal }) => refusal?.reason === reasons.secretNotOurs)
        ? recheckAfter(refusedRecheckMs)
        : settled;
    },
  };
}

/** Most accounts ask for nothing, and cost nothing. */
function hasWork(
  ports: OutputPorts,
  key: string,
  account: ManagedServiceAccount | undefined,
): boolean {
  if (account?.spec.outputs !== undefined) return true;
  if (account !== undefined && ports.policy.hasPassesForProfiles && isForProfiles(account)) {
    return true;
  }
  const told = findCondition(account?.status.conditions, conditionType);
  return told !== undefined || madeFor(ports, key).length > 0;
}

async function isThere({ client }: OutputPorts, key: string, signal: AbortSignal) {
  const [namespace = "", name = ""] = key.split("/");
  const path = resourcePath(managedServiceAccounts, { namespace, name });
  return (await ignoreNotFound(client.rawJson(path, signal))) !== undefined;
}

type Failures = readonly { readonly place: Place; readonly message: string }[];

/** Carries out the plan; what failed is told by its place, the first failure as it was. */
async function carryOutAll(
  { client, metrics, log }: OutputPorts,
  account: string,
  actions: readonly OutputAction[],
  signal: AbortSignal,
) {
  const failures: { readonly place: Place; readonly message: string }[] = [];
  const performOne = async (action: OutputAction): Promise<void> => {
    const { kind: output, namespace, name } = action.place;
    try {
      await perform(client, action, signal);
    } catch (error) {
      failures.push({ place: action.place, message: describeError(error) });
      throw error;
    }
    const told = { output, action: action.kind === "write" ? "written" : "removed" };
    metrics.actions.inc(told);
    log.info("Output of an account changed", { account, namespace, name, ...told });
  };
  return { failure: await carryOut(actions, performOne, signal), failures };
}

function withFailure(verdict: OutputVerdict, failures: Failures): OutputVerdict {
  const { request, refusal } = verdict;
  const failed = failures.find(
    ({ place }) =>
      keyOfPlace(place) === keyOfPlace(request) ||
      (place.kind === accountOutputKinds.gatewayPass && request.via === "Gateway"),
  );
  if (refusal !== undefined || failed === undefined) return verdict;
  const message = `spec.outputs.${request.kind}: ${failed.message}`;
  return { request, refusal: { reason: reasons.failed, message } };
}

/** Writes what became of the outputs, and tells of it where the reason is another one. */
async function report(
  ports: OutputPorts,
  account: ManagedServiceAccount,
  verdicts: readonly OutputVerdict[],
  signal: AbortSignal,
): Promise<void> {
  const conditions = conditionsWith(account, verdicts, ports.now());
  if (isDeepStrictEqual(conditions, account.status.conditions)) return;
  const { name, namespace, resourceVersion } = account.metadata;
  const patch = { metadata: { resourceVersion }, status: { conditions } };
  const options = { subresource: "status" };
  const key = { name, namespace };
  try {
    await ports.client.mergePatch(managedServiceAccounts, key, patch, signal, options);
  } catch (error) {
    if (isApiError(error, "not_found")) return;
    throw error;
  }
  const before = findCondition(account.status.conditions, conditionType);
  const after = findCondition(conditions, conditionType);
  if (after === undefined || after.reason === before?.reason) return;
  for (const { request, refusal } of verdicts) {
    if (refusal === undefined) continue;
    ports.metrics.refusals.inc({ output: request.kind, reason: refusal.reason });
  }
  await tell(ports.events, account, after);
}

async function tell(
  events: EventRecorder,
  account: ManagedServiceAccount,
  { status, reason, message }: Condition,
): Promise<void> {
  // On the way to the first token it is no news, and later the agent tells more of it.
  if (reason === reasons.tokenMissing) return;
  const type = status === "True" ? "Normal" : "Warning";
  await events.record(managedServiceAccounts, account, { type, reason, message });
}
