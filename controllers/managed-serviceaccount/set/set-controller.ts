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
  keyOfObject,
  type ObjectCache,
  onCacheChange,
} from "#kube";
import type { Runnable } from "#runtime";
import type { ControllerDeps } from "../../addon/addon.ts";
import { whenServed } from "../../when-served.ts";
import { accountNameOf } from "./plan.ts";
import { createSetReconciler } from "./reconciler.ts";

/**
 * Keeps the accounts of all sets. `accounts` is a cache of all accounts, which others run. Helm
 * does not bring new CRDs with an upgrade: until the hub serves sets, there is nothing to do, and
 * nothing else waits for it.
 */
export function createSetController(
  deps: ControllerDeps,
  accounts: ObjectCache<ManagedServiceAccount>,
): Runnable {
  const create = (): readonly Runnable[] => createRunnables(deps, accounts);
  return whenServed(deps, "managed-serviceaccount-sets", [managedServiceAccountSets], create);
}

function createRunnables(
  { client, log, now, events, metrics: { setClusters, setActions } }: ControllerDeps,
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
  const metrics = { clusters: setClusters, actions: setActions };
  const reading = { client, sets, placements: selectors, decisions, accounts };
  const ports = { ...reading, events, metrics, now, log };
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
