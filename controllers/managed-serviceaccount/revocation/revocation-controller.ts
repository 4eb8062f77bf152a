import type { KubeObject, ManagedServiceAccount } from "#api";
import { createController, keyOfObject, type ObjectCache, onCacheChange } from "#kube";
import type { Runnable } from "#runtime";
import type { ControllerDeps } from "../../addon/addon.ts";
import { createRevocationReconciler } from "./reconciler.ts";

/** What the revocation looks at. */
export interface RevocationCaches {
  readonly accounts: ObjectCache<ManagedServiceAccount>;
  /** Metadata of the Secrets with their tokens, which have their names. */
  readonly tokens: ObjectCache<KubeObject>;
  /** The ManagedClusterAddOns of this addon. */
  readonly addons: ObjectCache<KubeObject>;
}

/** Keeps the hub free of tokens of clusters that do not have the addon. */
export function createRevocationController(
  deps: ControllerDeps,
  { accounts, tokens, addons }: RevocationCaches,
): Runnable {
  const accountsOf = (cluster: string | undefined): readonly string[] =>
    accounts
      .list()
      .filter(({ metadata }) => metadata.namespace === cluster)
      .map(keyOfObject);
  return createController({
    reconciler: createRevocationReconciler({ ...deps, accounts, addons }),
    triggers: [
      onCacheChange(accounts),
      // An agent that still has its rights writes again what was taken away.
      onCacheChange(tokens, ({ key, after }) => (after === undefined ? [] : [key])),
      onCacheChange(addons, ({ before, after }) =>
        after === undefined ? accountsOf(before?.metadata.namespace) : [],
      ),
    ],
    log: deps.log,
  });
}
