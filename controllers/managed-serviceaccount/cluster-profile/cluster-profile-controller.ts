import {
  type ClusterProfile,
  clusterProfiles,
  clusterProfilesV1alpha2,
  type KubeObject,
  type ManagedCluster,
  type ManagedClusterSet,
  type ManagedClusterSetBinding,
  managedClusterSetBindings,
  managedClusterSets,
  managedServiceAccountLabels,
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
import { isStaying } from "../../is-staying.ts";
import { whenServed } from "../../when-served.ts";
import type { AccountCaches } from "../outputs/output-controller.ts";
import type { GatewayDoor } from "../outputs/reach.ts";
import { asksToBeShared, ownerNameOf } from "./copies.ts";
import { createProfileReconciler } from "./reconciler.ts";
import { type CredentialNamespaces, clusterNameOf } from "./standing.ts";

export interface ClusterProfileOptions extends AccountCaches {
  /** Namespaces whose ClusterProfiles get copies of tokens; `*` for all that are bound. */
  readonly namespaces: CredentialNamespaces;
  /** All managed clusters, and the addon on each: from caches that others run, as those of accounts. */
  readonly clusters: ObjectCache<ManagedCluster>;
  readonly addons: ObjectCache<KubeObject>;
  /** The gateway's door, if it is open for tokens of accounts. */
  readonly gateway: () => GatewayDoor | undefined;
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
  options: ClusterProfileOptions,
  type: ResourceType<ClusterProfile>,
): readonly Runnable[] {
  const caches = openCaches(deps, type);
  const controller = createController({
    reconciler: createProfileReconciler({ ...deps, ...options, ...caches, type }),
    triggers: triggersOf(caches, options),
    log: deps.log,
  });
  return [...Object.values(caches), controller];
}

type Caches = ReturnType<typeof openCaches>;

function openCaches({ client, log }: ControllerDeps, type: ResourceType<ClusterProfile>) {
  const { syncedFrom } = managedServiceAccountLabels;
  const ofCopies = { labelSelector: labelSelector({ [syncedFrom]: undefined }), log };
  return {
    profiles: createObjectCache(client, type, { log }),
    sets: createObjectCache<ManagedClusterSet>(client, managedClusterSets, { log }),
    bindings: createObjectCache<ManagedClusterSetBinding>(client, managedClusterSetBindings, {
      log,
    }),
    copies: createObjectCache<Secret>(client, secrets, ofCopies),
  };
}

function triggersOf(
  { profiles, sets, bindings, copies }: Caches,
  { clusters, addons, accounts, tokens, registrations }: ClusterProfileOptions,
): readonly Trigger[] {
  const keysWhere = (holds: (profile: ClusterProfile) => boolean): readonly string[] =>
    profiles.list().filter(holds).map(keyOfObject);
  const every = (): readonly string[] => keysWhere(() => true);
  const ofCluster = (name: string | undefined) =>
    keysWhere((profile) => name !== undefined && clusterNameOf(profile) === name);
  const ofNamespace = (name: string | undefined) =>
    keysWhere(({ metadata }) => metadata.namespace === name);
  return [
    onCacheChange(profiles),
    onCacheChange(sets, every),
    ...registrations.caches.map((cache) => onCacheChange(cache, every)),
    onCacheChange(bindings, ({ before, after }) =>
      ofNamespace((after ?? before)?.metadata.namespace),
    ),
    onCacheChange(clusters, ({ key, before, after }) =>
      isSame(essenceOf(before), essenceOf(after)) ? [] : ofCluster(key),
    ),
    onCacheChange(addons, ({ before, after }) => {
      const isStill = isStaying(before) === isStaying(after);
      return isStill ? [] : ofCluster((after ?? before)?.metadata.namespace);
    }),
    onCacheChange(accounts, ({ before, after }) =>
      [before, after].some(asksToBeShared) ? ofCluster((after ?? before)?.metadata.namespace) : [],
    ),
    onCacheChange(tokens, ({ key, before, after }) =>
      asksToBeShared(accounts.get(key)) ? ofCluster((after ?? before)?.metadata.namespace) : [],
    ),
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
