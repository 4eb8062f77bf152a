import {
  addonConditionTypes,
  addonNames,
  type Condition,
  clusterGatewayLayouts,
  credentialTypes,
  endpointTypes,
  isConditionTrue,
  type KubeObject,
  type ManagedCluster,
  managedServiceAccountLabels,
  proxyUrlAnnotation,
  type ResourceType,
  type Secret,
} from "#api";
import type { KubeClient, ObjectCache } from "#kube";
import { healthError, unknownCluster } from "../answers/cluster-errors.ts";
import type { ClusterOrigin, ClusterSource, FoundSource, Health } from "./cluster-source.ts";

/** A ManagedClusterAddOn of any version, as far as it is read. */
export interface AddonObject extends KubeObject {
  readonly status?: { readonly conditions?: readonly Condition[] };
}

type Cache<T extends KubeObject> = Pick<ObjectCache<T>, "get" | "onChange" | "isSynced">;

export interface AddonOriginOptions {
  /** Those of one name, in the namespaces of clusters. */
  readonly secrets: Cache<Secret> & Pick<ObjectCache<Secret>, "resourceVersion">;
  readonly secretName: string;
  readonly managedClusters: Cache<ManagedCluster>;
  /** The addon cluster-gateway of each cluster. */
  readonly addons: Cache<AddonObject>;
  /** The addon cluster-proxy of each cluster; without it, no cluster is behind a tunnel. */
  readonly tunnels: Cache<AddonObject> | undefined;
  /** As which the addons are written. */
  readonly addonType: ResourceType;
  readonly client: Pick<KubeClient, "mergePatch">;
}

const layout = clusterGatewayLayouts["gateway.open-cluster-management.io"];
const { keys } = layout;

/**
 * Clusters that are what OCM knows: a ManagedCluster with the addon cluster-gateway, and the
 * addon's Secret in the cluster's namespace. The tunnel is used where its addon is available.
 */
export function createAddonOrigin(options: AddonOriginOptions): ClusterOrigin {
  const { secrets, secretName, managedClusters, addons, tunnels, addonType, client } = options;
  const caches: readonly (readonly [string, Cache<KubeObject> | undefined])[] = [
    ["Secrets of clusters", secrets],
    ["ManagedClusters", managedClusters],
    ["ManagedClusterAddOns", addons],
    ["ManagedClusterAddOns", tunnels],
  ];
  return {
    layout,
    placeOf: (name) => `${name}/${secretName}`,
    find(name) {
      return foundIn({
        managedCluster: managedClusters.get(name),
        addon: addons.get(`${name}/${addonNames.clusterGateway}`),
        secret: secrets.get(`${name}/${secretName}`),
        tunnel: tunnels?.get(`${name}/${addonNames.clusterProxy}`),
      });
    },
    onChange(listener) {
      const told = (isOfSecret: boolean) => (change: { readonly key: string }) =>
        listener(change.key.split("/", 1)[0] ?? "", isOfSecret);
      secrets.onChange(told(true));
      for (const cache of [managedClusters, addons, tunnels]) cache?.onChange(told(false));
    },
    version: () => secrets.resourceVersion,
    reasonNotReady() {
      const late = caches.find(([, cache]) => cache?.isSynced === false);
      return late && `${late[0]} are not listed yet`;
    },
    async keepHealth(name, health, { isDryRun: dryRun, signal }) {
      const addon = addons.get(`${name}/${addonNames.clusterGateway}`);
      if (addon === undefined) throw unknownCluster(name, layout);
      const key = { namespace: name, name: addonNames.clusterGateway };
      try {
        await client.mergePatch(addonType, key, healthPatch(addon, health), signal, { dryRun });
        return undefined;
      } catch (error) {
        throw healthError(error, name);
      }
    },
  };
}

/** What the hub has of one cluster. */
export interface AddonFacts {
  readonly managedCluster: ManagedCluster | undefined;
  readonly addon: AddonObject | undefined;
  readonly secret: Secret | undefined;
  readonly tunnel: AddonObject | undefined;
}

/** Puts together what makes a cluster, or says what is missing. Pure. */
export function foundIn({ managedCluster, addon, secret, tunnel }: AddonFacts): FoundSource {
  if (managedCluster === undefined) return { kind: "unknown" };
  if (addon === undefined) {
    return { kind: "pending", why: "the cluster does not have the addon cluster-gateway" };
  }
  if (secret === undefined) return { kind: "pending", why: "it does not exist" };
  const credentialType = credentialTypeOf(secret);
  if (credentialType !== undefined) {
    const parts = { managedCluster, addon, secret, tunnel };
    return { kind: "found", source: sourceOf(parts, credentialType) };
  }
  const why = `it has neither label ${keys.credentialType} nor ${managedServiceAccountLabels.managed}=true`;
  return { kind: "pending", why };
}

interface Parts extends Pick<AddonFacts, "tunnel"> {
  readonly managedCluster: ManagedCluster;
  readonly addon: AddonObject;
  readonly secret: Secret;
}

function sourceOf(
  { managedCluster, addon, secret, tunnel }: Parts,
  credentialType: string,
): ClusterSource {
  const { name, uid, creationTimestamp, labels } = managedCluster.metadata;
  const { resourceVersion } = secret.metadata;
  const { annotations = {} } = addon.metadata;
  const { available } = addonConditionTypes;
  const isBehindTunnel = isConditionTrue(tunnel?.status?.conditions, available);
  return {
    layout,
    name,
    metadata: {
      name,
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
      ...(labels === undefined ? {} : { labels }),
    },
    secret,
    managedCluster,
    credentialType,
    endpointType: isBehindTunnel ? endpointTypes.clusterProxy : endpointTypes.const,
    proxyUrl: (annotations[proxyUrlAnnotation] ?? "").trim(),
    healthy: annotations[keys.healthy],
    healthyReason: annotations[keys.healthyReason],
    proxyConfiguration: annotations[keys.proxyConfiguration],
  };
}

/** Tokens of ManagedServiceAccounts need no further label. */
function credentialTypeOf({ metadata: { labels = {} } }: Secret): string | undefined {
  const isAccount = labels[managedServiceAccountLabels.managed] === "true";
  return (
    labels[keys.credentialType] ?? (isAccount ? credentialTypes.serviceAccountToken : undefined)
  );
}

/** A guarded patch: nobody may have written to the addon in between. */
function healthPatch(
  { metadata }: KubeObject,
  { healthy, healthyReason }: Health,
): Readonly<Record<string, unknown>> {
  const annotations = {
    [keys.healthy]: String(healthy),
    [keys.healthyReason]: healthyReason,
  };
  return { metadata: { resourceVersion: metadata.resourceVersion, annotations } };
}
