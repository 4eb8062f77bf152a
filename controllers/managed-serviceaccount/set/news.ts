import {
  type Condition,
  findCondition,
  type ManagedServiceAccountSet,
  type ManagedServiceAccountSetStatus,
  managedServiceAccountSetConditionTypes as types,
} from "#api";
import type { EventOptions } from "#kube";

/**
 * What people should hear of a set's new status. That accounts are on their way, after a set was made
 * or its Placement has grown, is no news; that they were ready and are not is.
 */
export function newsOf(
  set: ManagedServiceAccountSet,
  status: ManagedServiceAccountSetStatus,
): EventOptions | undefined {
  const before = findCondition(set.status.conditions, types.ready);
  const after = findCondition(status.conditions, types.ready);
  if (after === undefined || after.reason === before?.reason) return undefined;
  const { reason, message } = after;
  if (after.status === "True") {
    return { reason, message: `The accounts of ${status.summary} clusters are ready` };
  }
  return isOnTheWay(before, reason) ? undefined : { type: "Warning", reason, message };
}

function isOnTheWay(before: Condition | undefined, reason: string): boolean {
  return reason === "AccountsNotReady" && before?.status !== "True";
}
