import {
  type ManagedServiceAccountSet,
  type ManagedServiceAccountSetStatus,
  type NotReady,
  managedServiceAccountSetConditionTypes as types,
  withCondition,
} from "#api";
import { notReadyOf, type SetSnapshot } from "./plan.ts";

const maxListed = 50;
const maxTold = 5;

/** What is said of a set, as its accounts are now. */
export function statusOf(snapshot: SetSnapshot, now: Date): ManagedServiceAccountSetStatus {
  const { set, clusters } = snapshot;
  const { generation } = set.metadata;
  const seen = generation === undefined ? {} : { observedGeneration: generation };
  const selected = clusters?.size ?? 0;
  const notReady = notReadyOf(snapshot);
  const ready = selected - notReady.length;
  const told = { type: types.ready, ...verdict(set, clusters, notReady), ...seen };
  return {
    ...seen,
    selected,
    ready,
    summary: `${ready}/${selected}`,
    notReady: notReady.slice(0, maxListed),
    conditions: [...withCondition(set.status.conditions, told, now)],
  };
}

function verdict(
  { spec }: ManagedServiceAccountSet,
  clusters: ReadonlySet<string> | undefined,
  notReady: readonly NotReady[],
) {
  if (clusters === undefined) {
    const message = `spec.placementRef.name "${spec.placementRef.name}": there is no such Placement in this namespace; accounts stay as they are`;
    return { status: "False", reason: "PlacementMissing", message } as const;
  }
  if (notReady.length === 0) {
    return { status: "True", reason: "AccountsReady", message: "" } as const;
  }
  const told = notReady.slice(0, maxTold).map(({ cluster, message }) => `${cluster}: ${message}`);
  const more = notReady.length > maxTold ? `; and ${notReady.length - maxTold} more` : "";
  return { status: "False", reason: "AccountsNotReady", message: told.join("; ") + more } as const;
}
