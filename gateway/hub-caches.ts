import {
  type AddonVersion,
  accountOutputKinds,
  accountOutputLabels,
  addonNames,
  type ConfigMap,
  clusterSecretLabels,
  configMaps,
  type ManagedCluster,
  managedClusterAddOns,
  managedClusters,
  type Secret,
  secrets,
} from "#api";
import { createObjectCache, type KubeClient, labelSelector, type ObjectCache } from "#kube";
import type { Logger, Runnable } from "#runtime";
import { trustConfigMap } from "./authentication/trust.ts";
import { type AddonObject, createAddonOrigin } from "./clusters/addon-origin.ts";
import type { ClusterOrigin } from "./clusters/cluster-source.ts";
import { createSecretOrigin } from "./clusters/secret-origin.ts";

/** Where clusters are kept on the hub, and so in which group they are served. */
export type ClusterKeeping =
  | { readonly keptIn: "secrets" }
  | { readonly keptIn: "addons"; readonly addonVersion: AddonVersion };

export interface HubCacheOptions {
  readonly client: KubeClient;
  /** Defaults to Secrets. */
  readonly keeping?: ClusterKeeping | undefined;
  readonly secretNamespace: string;
  readonly usesManagedClusters: boolean;
  readonly managedServiceAccountName: string;
  /** Whether there is a tunnel at all. */
  readonly tunnelDial?: unknown;
  readonly log: Logger;
}

/** What is kept of the hub, so that no request asks it. */
export interface HubCaches {
  readonly trust: ObjectCache<ConfigMap>;
  readonly passes: ObjectCache<ConfigMap>;
  readonly origin: ClusterOrigin;
  /** The Secrets that ClusterGateways can be written to; `undefined` where they are kept elsewhere. */
  readonly keepers: ClusterKeepers | undefined;
  readonly all: readonly Runnable[];
}

export interface ClusterKeepers {
  readonly secrets: ObjectCache<Secret>;
  readonly managedClusters: ObjectCache<ManagedCluster> | undefined;
  readonly secretNamespace: string;
}

/** Makes empty ones, to be run. */
export function createHubCaches(options: HubCacheOptions): HubCaches {
  const { client, keeping = { keptIn: "secrets" }, secretNamespace, log } = options;
  const trust = createObjectCache(client, configMaps, {
    namespace: trustConfigMap.namespace,
    fieldSelector: `metadata.name=${trustConfigMap.name}`,
    log,
  });
  const passes = createObjectCache(client, configMaps, {
    namespace: secretNamespace,
    labelSelector: labelSelector({ [accountOutputLabels.output]: accountOutputKinds.gatewayPass }),
    log,
  });
  const kept =
    keeping.keptIn === "secrets" ? inSecrets(options) : inAddons(options, keeping.addonVersion);
  return { trust, passes, ...kept, all: [trust, passes, ...kept.all] };
}

type Kept = Pick<HubCaches, "origin" | "keepers" | "all">;

function inSecrets({ client, secretNamespace, usesManagedClusters, log }: HubCacheOptions): Kept {
  const keepers: ClusterKeepers = {
    secretNamespace,
    secrets: createObjectCache(client, secrets, {
      namespace: secretNamespace,
      labelSelector: clusterSecretLabels.credentialType,
      log,
    }),
    managedClusters: usesManagedClusters
      ? createObjectCache(client, managedClusters, { log })
      : undefined,
  };
  const origin = createSecretOrigin({ ...keepers, client });
  const all = [keepers.secrets, keepers.managedClusters].filter((cache) => cache !== undefined);
  return { origin, keepers, all };
}

function inAddons(
  { client, managedServiceAccountName: secretName, tunnelDial, log }: HubCacheOptions,
  addonVersion: AddonVersion,
): Kept {
  const named = (name: string) => ({ fieldSelector: `metadata.name=${name}`, log });
  const { parse: _checked, ...addonType } = managedClusterAddOns[addonVersion];
  const addonsNamed = (name: string) =>
    createObjectCache<AddonObject>(client, addonType, named(name));
  const caches = {
    secrets: createObjectCache<Secret>(client, secrets, named(secretName)),
    managedClusters: createObjectCache<ManagedCluster>(client, managedClusters, { log }),
    addons: addonsNamed(addonNames.clusterGateway),
    tunnels: tunnelDial === undefined ? undefined : addonsNamed(addonNames.clusterProxy),
  };
  return {
    origin: createAddonOrigin({ ...caches, secretName, addonType, client }),
    keepers: undefined,
    all: Object.values(caches).filter((cache) => cache !== undefined),
  };
}
