import {
  type AddonVersion,
  isConditionTrue,
  type KubeObject,
  type ManagedCluster,
  type ManifestWork,
  managedClusterConditionTypes,
} from "#api";
import type { ObjectCache } from "#kube";
import { type AddonView, isDeliveredByOcm } from "../addon-view.ts";
import type { AddonDefinition } from "../definition.ts";
import type { Snapshot } from "./snapshot.ts";

/** Where everything about one addon is read: caches, so that no decision costs a request. */
export interface DeployCaches {
  readonly clusters: ObjectCache<ManagedCluster>;
  /** The addon on one cluster. */
  readonly addonOf: (cluster: string) => AddonView | undefined;
  readonly works: ObjectCache<ManifestWork>;
  readonly roles: ObjectCache<KubeObject> | undefined;
  readonly roleBindings: ObjectCache<KubeObject> | undefined;
}

/**
 * Reads all that a plan needs. Undefined while there is nothing to do: no cluster, or one that the
 * hub has not accepted; no addon; one of them going away; or the addon not yet adopted by OCM's
 * addon manager, or delivered by it.
 */
export function gather(
  { name, hubAccess }: AddonDefinition,
  caches: DeployCaches,
  version: AddonVersion,
  clusterName: string,
): Snapshot | undefined {
  const cluster = caches.clusters.get(clusterName);
  const addon = caches.addonOf(clusterName);
  if (cluster === undefined || addon === undefined) return undefined;
  if (!isMember(cluster) || addon.isDeleting || !isAdopted(addon)) return undefined;
  if (isDeliveredByOcm(addon)) return undefined;
  const roleKey = `${clusterName}/${hubAccess?.role.name}`;
  const prefix = `addon-${name}-deploy-`;
  return {
    cluster,
    addon,
    version,
    role: caches.roles?.get(roleKey),
    roleBinding: caches.roleBindings?.get(roleKey),
    works: caches.works
      .list()
      .filter(({ metadata }) => metadata.namespace === clusterName)
      .filter(({ metadata }) => metadata.name.startsWith(prefix))
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined),
  };
}

/** Accepted by the hub, and not on its way out. */
function isMember({ metadata, spec, status }: ManagedCluster): boolean {
  const { deleting } = managedClusterConditionTypes;
  const isGoing =
    metadata.deletionTimestamp !== undefined || isConditionTrue(status.conditions, deleting);
  return spec.hubAcceptsClient && !isGoing;
}

function isAdopted({ name, object }: AddonView): boolean {
  const owners = object.metadata.ownerReferences ?? [];
  return owners.some((owner) => owner.kind === "ClusterManagementAddOn" && owner.name === name);
}
