import {
  type ManagedServiceAccount,
  type ManagedServiceAccountSet,
  managedServiceAccountSetNames,
  managedServiceAccountSets,
  type PlacementDecision,
  placementDecisions,
  placements,
} from "#api";
import {
  createController,
  createObjectCache,
  firstServed,
  keyOfObject,
  type ObjectCache,
  onCacheChange,
} from "#kube";
import { backoffDelays, type Runnable, retry, runAll, sleep } from "#runtime";
import type { ControllerDeps } from "../../addon/addon.ts";
import { accountNameOf } from "./plan.ts";
import { createSetReconciler } from "./reconciler.ts";

/**
 * Keeps the accounts of all sets. Helm does not bring new CRDs with an upgrade: until the hub serves
 * sets, there is nothing to do, and nothing else waits for it.
 */
export function createSetController(
  deps: ControllerDeps,
  accounts: ObjectCache<ManagedServiceAccount>,
): Runnable {
  return {
    name: "managed-serviceaccount-sets",
    async run(signal) {
      const attempt = (scope: AbortSignal) =>
        firstServed(deps.client, [managedServiceAccountSets], scope);
      const delays = backoffDelays({ minMs: 2_000, maxMs: 60_000, jitter: 0.3 });
      await retry(attempt, delays, () => !signal.aborted, sleep, signal);
      await runAll(createRunnables(deps, accounts), signal);
    },
  };
}

function createRunnables(
  { client, log, now }: ControllerDeps,
  accounts: ObjectCache<ManagedServiceAccount>,
): readonly Runnable[] {
  const options = { log };
  const sets = createObjectCache<ManagedServiceAccountSet>(
    client,
    managedServiceAccountSets,
    options,
  );
  const selectors = createObjectCache(client, placements, options);
  const decisions = createObjectCache<PlacementDecision>(client, placementDecisions, options);
  const setsOf = (namespace: string | undefined): readonly string[] =>
    sets
      .list()
      .filter(({ metadata }) => metadata.namespace === namespace)
      .map(keyOfObject);
  const ports = { client, sets, placements: selectors, decisions, accounts, now, log };
  const controller = createController({
    reconciler: createSetReconciler(ports),
    triggers: [
      onCacheChange(sets),
      onCacheChange(selectors, ({ before, after }) =>
        setsOf((after ?? before)?.metadata.namespace),
      ),
      onCacheChange(decisions, ({ before, after }) =>
        setsOf((after ?? before)?.metadata.namespace),
      ),
      onCacheChange(accounts, ({ before, after }) => {
        const account = after ?? before;
        const uid = account?.metadata.labels?.[managedServiceAccountSetNames.setLabel];
        return sets
          .list()
          .filter(
            (set) => set.metadata.uid === uid || accountNameOf(set) === account?.metadata.name,
          )
          .map(keyOfObject);
      }),
    ],
    log,
  });
  return [sets, selectors, decisions, controller];
}
