import { isDeepStrictEqual } from "node:util";
import {
  type KubeObject,
  type ManagedServiceAccount,
  type ManagedServiceAccountSet,
  type ManagedServiceAccountSetStatus,
  managedServiceAccountSetNames,
  managedServiceAccountSets,
  managedServiceAccounts,
  type PlacementDecision,
  placementLabel,
} from "#api";
import {
  deletionPhase,
  type EventRecorder,
  ignoreNotFound,
  isApiError,
  type KubeClient,
  labelSelector,
  type ObjectCache,
  type Reconciler,
  settled,
} from "#kube";
import {
  type CounterMetric,
  describeError,
  type GaugeMetric,
  isAbortError,
  type Logger,
} from "#runtime";
import { carryOut } from "../../carry-out.ts";
import { newsOf } from "./news.ts";
import { accountNameOf, isMadeBy, planSet, type SetAction, type SetSnapshot } from "./plan.ts";
import { statusOf } from "./status.ts";

export interface SetPorts {
  readonly client: KubeClient;
  readonly sets: Pick<ObjectCache<ManagedServiceAccountSet>, "get">;
  readonly placements: Pick<ObjectCache<KubeObject>, "get">;
  readonly decisions: Pick<ObjectCache<PlacementDecision>, "list">;
  readonly accounts: Pick<ObjectCache<ManagedServiceAccount>, "get" | "list">;
  readonly events: EventRecorder;
  readonly metrics: SetMetrics;
  readonly now: () => Date;
  readonly log: Logger;
}

export interface SetMetrics {
  /** Clusters of each set; labels namespace, set and state. */
  readonly clusters: GaugeMetric;
  /** Accounts that were applied or removed, or could not be; label action. */
  readonly actions: CounterMetric;
}

const { finalizer } = managedServiceAccountSetNames;
const fieldManager = "spokeway-managed-serviceaccount-set";

/** Keeps one account for every cluster that a set's Placement selects. */
export function createSetReconciler(ports: SetPorts): Reconciler<string> {
  return {
    name: "managed-serviceaccount-set",
    async reconcile(key, signal) {
      const set = ports.sets.get(key);
      if (set === undefined) {
        forget(ports, key);
        return settled;
      }
      const phase = deletionPhase(set, finalizer);
      if (phase === "gone") return settled;
      if (phase === "adopt") {
        await writeFinalizers(ports, set, [...(set.metadata.finalizers ?? []), finalizer], signal);
        return settled;
      }
      const known = gather(ports, set);
      // Nothing may be left behind that the cache has yet to hear of.
      const made = phase === "release" ? await listMade(ports, set, signal) : known.made;
      const snapshot = { ...known, made };
      const { failure, failures } = await carryOutAll(ports, set, planSet(snapshot), signal);
      if (phase === "release" && made.length === 0) {
        const others = (set.metadata.finalizers ?? []).filter((name) => name !== finalizer);
        await writeFinalizers(ports, set, others, signal);
        return settled;
      }
      const status = statusOf({ ...snapshot, failures }, ports.now());
      await writeStatus(ports, set, status, signal);
      if (failure !== undefined) throw failure;
      return settled;
    },
  };
}

function gather(ports: SetPorts, set: ManagedServiceAccountSet): SetSnapshot {
  const { namespace } = set.metadata;
  const placement = set.spec.placementRef.name;
  const isThere = ports.placements.get(`${namespace}/${placement}`) !== undefined;
  const decided = ports.decisions
    .list()
    .filter(({ metadata }) => metadata.namespace === namespace)
    .filter(({ metadata }) => metadata.labels?.[placementLabel] === placement)
    .flatMap(({ status }) => status.decisions.map(({ clusterName }) => clusterName));
  const clusters = new Set(decided);
  const accounts = new Map<string, ManagedServiceAccount>();
  for (const cluster of clusters) {
    const account = ports.accounts.get(`${cluster}/${accountNameOf(set)}`);
    if (account !== undefined) accounts.set(cluster, account);
  }
  const made = ports.accounts.list().filter((account) => isMadeBy(set, account));
  return { set, clusters: isThere ? clusters : undefined, accounts, made };
}

async function listMade(
  { client }: SetPorts,
  { metadata }: ManagedServiceAccountSet,
  signal: AbortSignal,
): Promise<readonly ManagedServiceAccount[]> {
  const selector = labelSelector({ [managedServiceAccountSetNames.setLabel]: metadata.uid ?? "" });
  const list = await client.list(managedServiceAccounts, { labelSelector: selector }, signal);
  return list.items;
}

/** Carries out the plan; what failed is told by its cluster, the first failure as it was. */
async function carryOutAll(
  ports: SetPorts,
  set: ManagedServiceAccountSet,
  actions: readonly SetAction[],
  signal: AbortSignal,
) {
  const failures = new Map<string, string>();
  const performOne = async (action: SetAction): Promise<void> => {
    const done = action.kind === "remove" ? "removed" : "applied";
    try {
      await perform(ports, action, signal);
      ports.metrics.actions.inc({ action: done });
    } catch (error) {
      if (isAbortError(error, signal)) throw error;
      const cluster = clusterOf(action);
      ports.metrics.actions.inc({ action: "failed" });
      failures.set(cluster, describeError(error));
      const message = `Account of cluster ${cluster} could not be ${done}: ${describeError(error)}`;
      const event = { type: "Warning", reason: "AccountFailed", message } as const;
      await ports.events.record(managedServiceAccountSets, set, event);
      throw error;
    }
  };
  return { failure: await carryOut(actions, performOne, signal), failures };
}

function clusterOf(action: SetAction): string {
  return action.kind === "apply" ? action.cluster : (action.account.metadata.namespace ?? "");
}

async function perform(
  { client, log }: SetPorts,
  action: SetAction,
  signal: AbortSignal,
): Promise<void> {
  if (action.kind === "remove") {
    const { name, namespace, uid } = action.account.metadata;
    const key = { name, namespace };
    await ignoreNotFound(client.delete(managedServiceAccounts, key, signal, { uid }));
    log.info("Account of a set removed", { cluster: namespace, name });
    return;
  }
  const { account, cluster } = action;
  await client.apply(managedServiceAccounts, account, signal, { fieldManager });
  log.info("Account of a set applied", { cluster, name: account.metadata.name });
}

async function writeFinalizers(
  { client }: SetPorts,
  { metadata }: ManagedServiceAccountSet,
  finalizers: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const { name, namespace, resourceVersion } = metadata;
  const patch = { metadata: { resourceVersion, finalizers } };
  const key = { name, namespace };
  await ignoreNotFound(client.mergePatch(managedServiceAccountSets, key, patch, signal));
}

async function writeStatus(
  { client, events, metrics }: SetPorts,
  set: ManagedServiceAccountSet,
  status: ManagedServiceAccountSetStatus,
  signal: AbortSignal,
): Promise<void> {
  const ofSet = { namespace: set.metadata.namespace ?? "", set: set.metadata.name };
  metrics.clusters.set(status.ready ?? 0, { ...ofSet, state: "ready" });
  metrics.clusters.set((status.selected ?? 0) - (status.ready ?? 0), {
    ...ofSet,
    state: "not_ready",
  });
  if (isDeepStrictEqual(status, set.status)) return;
  const { name, namespace, resourceVersion } = set.metadata;
  const patch = { metadata: { resourceVersion }, status };
  const options = { subresource: "status" };
  try {
    await client.mergePatch(managedServiceAccountSets, { name, namespace }, patch, signal, options);
  } catch (error) {
    if (!isApiError(error, "not_found")) throw error;
    return;
  }
  const news = newsOf(set, status);
  if (news !== undefined) await events.record(managedServiceAccountSets, set, news);
}

function forget({ metrics }: SetPorts, key: string): void {
  const [namespace = "", set = ""] = key.split("/");
  for (const state of ["ready", "not_ready"]) metrics.clusters.remove({ namespace, set, state });
}
