import {
  type AddonName,
  type AddonVersion,
  addOnDeploymentConfigs,
  certificateSigningRequests,
  clusterManagementAddOns,
  type KubeObject,
  managedClusterAddOns,
  managedClusters,
  manifestWorks,
  ocmLabels,
  type ResourceType,
  roleBindings,
  roles,
} from "#api";
import {
  createObjectCache,
  type KubeClient,
  type ListOptions,
  labelSelector,
  type ObjectCache,
} from "#kube";
import type { Logger, Runnable } from "#runtime";
import { type AddonView, viewV1alpha1, viewV1beta1 } from "./addon-view.ts";
import type { AddonDefinition } from "./definition.ts";

/** The list-watches behind one addon, each as narrow as the API server lets it be. */
export type AddonCaches = ReturnType<typeof createAddonCaches>;

/** The clusters, the addon as a whole, and on each: what is needed also where others deliver it. */
export function createMembershipCaches(
  client: KubeClient,
  name: AddonName,
  version: AddonVersion,
  log: Logger,
) {
  const only = { fieldSelector: `metadata.name=${name}`, log };
  const addons = openAddons(client, version, name, only);
  const management = createObjectCache(client, clusterManagementAddOns(version), only);
  const clusters = createObjectCache(client, managedClusters, { log });
  return { addons: addons.cache, clusters, management, addonOf: addons.find };
}

/** Builds them; they fill once they run. */
export function createAddonCaches(
  client: KubeClient,
  { name, hubAccess, customSigners, configKind }: AddonDefinition,
  version: AddonVersion,
  log: Logger,
) {
  const open = <T extends KubeObject>(type: ResourceType<T>, options: ListOptions = {}) =>
    createObjectCache(client, type, { ...options, log });
  const named = (object: string): ListOptions => ({ fieldSelector: `metadata.name=${object}` });
  const ofAddon = { labelSelector: labelSelector({ [ocmLabels.addonName]: name }) };
  const hasCertificates = hubAccess !== undefined || customSigners.length > 0;
  const { addonOf, ...membership } = createMembershipCaches(client, name, version, log);
  const caches = {
    ...membership,
    works: open(manifestWorks, ofAddon),
    requests: hasCertificates ? open(certificateSigningRequests, ofAddon) : undefined,
    // Hashes are made of what the API server sends, so these two are kept as they come.
    deploymentConfigs: open<KubeObject>(unparsed(addOnDeploymentConfigs(version))),
    configs: configKind === undefined ? undefined : open<KubeObject>(unparsed(configKind)),
    roles: hubAccess === undefined ? undefined : open(roles, named(hubAccess.role.name)),
    roleBindings:
      hubAccess === undefined ? undefined : open(roleBindings, named(hubAccess.role.name)),
  };
  const runnables = Object.values(caches).filter((cache) => cache !== undefined);
  return { ...caches, addonOf, runnables: runnables as readonly CacheRunnable[] };
}

/** A cache as something that runs and is ready or not. */
export type CacheRunnable = Runnable & Pick<ObjectCache<KubeObject>, "isSynced">;

function openAddons(
  client: KubeClient,
  version: AddonVersion,
  name: AddonName,
  options: ListOptions & { readonly log: Logger },
) {
  const key = (cluster: string): string => `${cluster}/${name}`;
  if (version === "v1beta1") {
    const cache = createObjectCache(client, managedClusterAddOns.v1beta1, options);
    return { cache: cache as ObjectCache<KubeObject>, find: lookUp(cache, key, viewV1beta1) };
  }
  const cache = createObjectCache(client, managedClusterAddOns.v1alpha1, options);
  return { cache: cache as ObjectCache<KubeObject>, find: lookUp(cache, key, viewV1alpha1) };
}

function lookUp<T extends KubeObject>(
  cache: ObjectCache<T>,
  key: (cluster: string) => string,
  view: (object: T) => AddonView,
): (cluster: string) => AddonView | undefined {
  return (cluster) => {
    const object = cache.get(key(cluster));
    return object === undefined ? undefined : view(object);
  };
}

function unparsed({ group, version, plural, kind, namespaced }: ResourceType): ResourceType {
  return { group, version, plural, kind, namespaced };
}
