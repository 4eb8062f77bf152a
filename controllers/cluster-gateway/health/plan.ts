import {
  addonConditionTypes,
  addonReasons,
  type Condition,
  type ConditionUpdate,
  findCondition,
  isConditionTrue,
  type ManagedCluster,
  managedClusterConditionTypes,
} from "#api";
import type { ProbeResult } from "./probe.ts";

/**
 * False while the hub has lost sight of the cluster: it then says so itself in the condition, and
 * a second voice would only start a quarrel.
 */
export function shouldProbe(cluster: ManagedCluster | undefined): boolean {
  if (cluster === undefined || cluster.metadata.deletionTimestamp !== undefined) return false;
  const { available } = managedClusterConditionTypes;
  return findCondition(cluster.status.conditions, available)?.status !== "Unknown";
}

/** The condition that tells of a probe, or undefined when it says so already. */
export function planCondition(
  conditions: readonly Condition[],
  result: ProbeResult,
): ConditionUpdate | undefined {
  const type = addonConditionTypes.available;
  const update: ConditionUpdate = result.isHealthy
    ? { type, status: "True", reason: addonReasons.healthzProbed, message: "Returned OK" }
    : { type, status: "False", reason: addonReasons.healthzFailed, message: result.message };
  const present = findCondition(conditions, type);
  const isSame =
    present?.status === update.status &&
    present.reason === update.reason &&
    present.message === update.message;
  return isSame ? undefined : update;
}

/**
 * True for the first failure of a cluster that was well: a gateway or a tunnel that is being
 * replaced. The next probe, soon after, decides.
 */
export function isHiccup(
  conditions: readonly Condition[],
  result: ProbeResult,
  failingSince: Date | undefined,
): boolean {
  const wasWell = isConditionTrue(conditions, addonConditionTypes.available);
  return !result.isHealthy && wasWell && failingSince === undefined;
}

export interface ProbePace {
  /** After a success. */
  readonly healthyMs: number;
  /** After a failure, while it may yet be a start or a hiccup. */
  readonly eagerMs: number;
  /** How long a failure may last before it is asked about no more often than health. */
  readonly eagerForMs: number;
}

export const defaultPace: ProbePace = { healthyMs: 10_000, eagerMs: 2_000, eagerForMs: 180_000 };

/** How long until the next probe; `random` (0 to 1) spreads clusters by a fifth. */
export function nextProbeMs(
  { healthyMs, eagerMs, eagerForMs }: ProbePace,
  failingForMs: number | undefined,
  random: number,
): number {
  const isEager = failingForMs !== undefined && failingForMs < eagerForMs;
  return (isEager ? eagerMs : healthyMs) * (0.9 + 0.2 * random);
}
