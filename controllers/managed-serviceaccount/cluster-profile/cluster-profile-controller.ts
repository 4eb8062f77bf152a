import {
  type ClusterProfile,
  clusterProfiles,
  clusterProfilesV1alpha2,
  type ManagedCluster,
  type ManagedClusterSet,
  type ManagedClusterSetBinding,
  type ManagedServiceAccount,
  managedClusterSetBindings,
  managedClusterSets,
  managedServiceAccountLabels,
  managedServiceAccounts,
  type ResourceType,
  type Secret,
  secrets,
} from "#api";
import {
  createController,
  createObjectCache,
  keyOfObject,
  labelSelector,
  type ObjectCache,
  onCacheChange,
  type Trigger,
} from "#kube";
import type { Runnable } from "#runtime";
import type { ControllerDeps } from "../../addon/addon.ts";
import { isSame } from "../../canonical-json.ts";
import { whenServed } from "../../when-served.ts";
import { ownerNameOf } from "./copies.ts";
import { createProfileReconciler } from "./reconciler.ts";
import { type CredentialNamespaces, clusterNameOf } from "./standing.ts";

export interface ClusterProfileOptions {
  /** Namespaces whose ClusterProfiles get copies of tokens; `*` for all that are bound. */
  readonly namespaces: CredentialNamespaces;
  /** All managed clusters, from a cache that somebody else runs. */
  readonly clusters: ObjectCache<ManagedCluster>;
}

/** Keeps access and credentials of all ClusterProfiles, once the hub serves them. */
export function createClusterProfileController(
  deps: ControllerDeps,
  options: ClusterProfileOptions,
): Runnable {
  const versions: readonly ResourceType<ClusterProfile>[] = [
    clusterProfiles,
    clusterProfilesV1alpha2,
  ];
  return whenServed(deps, "cluster-profiles", versions, (type) =>
    createRunnables(deps, options, type),
  );
}

function createRunnables(
  deps: ControllerDeps,
  { namespaces, clusters }: ClusterProfileOptions,
  type: ResourceType<ClusterProfile>,
): readonly Runnable[] {
  const caches = openCaches(deps, type);
  const controller = createController({
    reconciler: createProfileReconciler({
      ...deps,
      ...caches,
      clusters,
      namespaces,
      type,
      gateway: () => undefined,
    }),
    triggers: triggersOf(caches, clusters),
    log: deps.log,
  });
  return [...Object.values(caches), controller];
}

type Caches = ReturnType<typeof openCaches>;

function openCaches({ client, log }: ControllerDeps, type: ResourceType<ClusterProfile>) {
  const { managed, syncToClusterProfile, syncedFrom } = managedServiceAccountLabels;
  const labelled = (label: string) => ({
    labelSelector: labelSelector({ [label]: "true" }),
    log,
  });
  return {
    profiles: createObjectCache(client, type, { log }),
    sets: createObjectCache<ManagedClusterSet>(client, managedClusterSets, { log }),
    bindings: createObjectCache<ManagedClusterSetBinding>(client, managedClusterSetBindings, {
      log,
    }),
    accounts: createObjectCache<ManagedServiceAccount>(
      client,
      managedServiceAccounts,
      labelled(syncToClusterProfile),
    ),
    tokens: createObjectCache<Secret>(client, secrets, labelled(managed)),
    copies: createObjectCache<Secret>(client, secrets, {
      labelSelector: labelSelector({ [syncedFrom]: undefined }),
      log,
    }),
  };
}

function triggersOf(
  { profiles, sets, bindings, accounts, tokens, copies }: Caches,
  clusters: ObjectCache<ManagedCluster>,
): readonly Trigger[] {
  const keysWhere = (holds: (profile: ClusterProfile) => boolean): readonly string[] =>
    profiles.list().filter(holds).map(keyOfObject);
  const ofCluster = (name: string | undefined) =>
    keysWhere((profile) => name !== undefined && clusterNameOf(profile) === name);
  const ofNamespace = (name: string | undefined) =>
    keysWhere(({ metadata }) => metadata.namespace === name);
  return [
    onCacheChange(profiles),
    onCacheChange(clusters, ({ key, before, after }) =>
      isSame(essenceOf(before), essenceOf(after)) ? [] : ofCluster(key),
    ),
    onCacheChange(sets, () => keysWhere(() => true)),
    onCacheChange(bindings, ({ before, after }) =>
      ofNamespace((after ?? before)?.metadata.namespace),
    ),
    onCacheChange(accounts, ({ before, after }) =>
      ofCluster((after ?? before)?.metadata.namespace),
    ),
    onCacheChange(tokens, ({ before, after }) => ofCluster((after ?? before)?.metadata.namespace)),
    onCacheChange(copies, ({ before, after }) =>
      [before, after].flatMap((copy) => {
        const owner = copy && ownerNameOf(copy.metadata);
        return owner === undefined ? [] : [`${copy?.metadata.namespace}/${owner}`];
      }),
    ),
  ];
}

/** Of a cluster only its labels, which sets select by, and its addresses matter. */
function essenceOf(cluster: ManagedCluster | undefined): unknown {
  return cluster && [cluster.metadata.labels, cluster.spec.managedClusterClientConfigs];
}
