import {
  addonNames,
  apiServices,
  clusterGatewayConfiguration,
  clusterGatewayConfigurations,
  clusterGatewayLayouts,
  defaultClusterGatewayConfigurationName,
  type KubeObject,
  type ManagedCluster,
  managedClusterAddOns,
  type Secret,
  secrets,
} from "#api";
import { createController, createObjectCache, type ObjectCache, onCacheChange } from "#kube";
import type { Runnable } from "#runtime";
import { type ControllerDeps, createAddon, type Part } from "../addon/addon.ts";
import { changedCluster, clusterOf, onSpecChange } from "../addon/triggers.ts";
import {
  createFollowingTrigger,
  type FollowingTrigger,
  type Target,
} from "../installation/following-trigger.ts";
import { createInstallationReconciler } from "../installation/installation-reconciler.ts";
import { presentLayout } from "./configuration.ts";
import { createCredentialReconciler } from "./credentials/reconciler.ts";
import { clusterGatewayDefinition } from "./definition.ts";
import { createHealthReconciler } from "./health/reconciler.ts";
import { gatewayInstallation } from "./server/installation.ts";

export interface ClusterGatewayOptions {
  readonly signer: { readonly namespace: string; readonly name: string };
  /** For the gateway's pods. */
  readonly imagePullPolicy: string;
}

/** The cluster-gateway addon: the gateway on the hub, its credentials, and the clusters' health. */
export function createClusterGateway(given: ControllerDeps, options: ClusterGatewayOptions): Part {
  const deps = { ...given, log: given.log.with({ addon: addonNames.clusterGateway }) };
  const caches = openCaches(deps, options);
  const addon = createAddon(deps, clusterGatewayDefinition(caches.accounts));
  const { addons, clusters, addonOf } = addon.addonCaches;
  const every = (): readonly string[] =>
    caches.configurations.list().map(({ metadata }) => metadata.name);
  const { client, log } = deps;
  const serverFollows = createFollowingTrigger(client, "gateway-objects", every, log);
  const credentialFollows = createFollowingTrigger(
    client,
    "gateway-credential-secrets",
    ({ metadata }) => [metadata.name],
    log,
  );
  const health = createController({
    log,
    reconciler: createHealthReconciler({
      ...deps,
      clusters,
      addonOf,
      layout: () =>
        presentLayout(caches.configurations.get(defaultClusterGatewayConfigurationName)),
    }),
    triggers: [
      onCacheChange(addons, (change) =>
        change.before !== undefined && change.after !== undefined ? [] : clusterOf(change),
      ),
      onCacheChange<ManagedCluster>(clusters, changedCluster),
    ],
    workers: 16,
  });
  return {
    caches: [...addon.caches, ...Object.values(caches).flat()],
    controllers: [
      ...addon.controllers,
      serverFollows,
      credentialFollows,
      serverController(deps, options, caches, serverFollows, every),
      credentialController(deps, caches, addons, credentialFollows),
      health,
    ],
  };
}

type Caches = ReturnType<typeof openCaches>;

function openCaches({ client, version, log }: ControllerDeps, { signer }: ClusterGatewayOptions) {
  const named = (name: string) => ({ fieldSelector: `metadata.name=${name}`, log });
  const { parse: _checked, ...configurations } = clusterGatewayConfigurations;
  const { parse: _checkedToo, ...addons } = managedClusterAddOns[version];
  return {
    configurations: createObjectCache<KubeObject>(client, configurations, { log }),
    // Of the addon that makes the accounts; only its namespace on each cluster is of interest.
    accounts: createObjectCache<KubeObject>(
      client,
      addons,
      named(addonNames.managedServiceAccount),
    ),
    tokens: createObjectCache<Secret>(client, secrets, named("cluster-gateway")),
    signer: createObjectCache<Secret>(client, secrets, {
      ...named(signer.name),
      namespace: signer.namespace,
    }),
    // One for each name: nobody needs rights on all APIServices.
    apiServices: Object.values(clusterGatewayLayouts).map(({ apiServiceName }) =>
      createObjectCache<KubeObject>(client, apiServices, named(apiServiceName)),
    ),
  };
}

function serverController(
  deps: ControllerDeps,
  { signer, imagePullPolicy }: ClusterGatewayOptions,
  { configurations, signer: signerCache, apiServices: registered }: Caches,
  follows: FollowingTrigger,
  every: () => readonly string[],
): Runnable {
  const installation = gatewayInstallation(deps.client, {
    place: { ...signer, commonName: addonNames.clusterGateway },
    imagePullPolicy,
  });
  const ports = {
    ...deps,
    configurations,
    fieldManager: "spokeway-cluster-gateway",
    certificateEnd: deps.metrics.certificateEnd,
    follow: (targets: readonly Target[]) => follows.follow(targets),
  };
  return createController({
    log: deps.log,
    reconciler: createInstallationReconciler(ports, installation),
    triggers: [
      onSpecChange(configurations),
      onCacheChange(signerCache, every),
      ...registered.map((cache) => onCacheChange(cache, every)),
      follows,
    ],
    workers: 1,
  });
}

function credentialController(
  deps: ControllerDeps,
  { configurations, tokens, accounts }: Caches,
  addons: ObjectCache<KubeObject>,
  follows: FollowingTrigger,
): Runnable {
  const configuration = (): KubeObject | undefined => {
    const present = configurations.get(defaultClusterGatewayConfigurationName);
    const parsed = clusterGatewayConfiguration.safeParse(present);
    // One that cannot be used is refused where the gateway itself is run.
    if (!parsed.success) return undefined;
    follows.follow([{ type: secrets, namespace: parsed.data.spec.secretNamespace }]);
    return present;
  };
  const every = (): readonly string[] =>
    addons.list().flatMap((after) => clusterOf({ key: "", before: undefined, after }));
  return createController({
    log: deps.log,
    reconciler: createCredentialReconciler({ ...deps, addons, configuration }),
    triggers: [
      onCacheChange(addons, clusterOf),
      onCacheChange(accounts, clusterOf),
      onCacheChange(tokens, clusterOf),
      onCacheChange(configurations, every),
      follows,
    ],
  });
}
