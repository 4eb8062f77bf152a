import type { AddonName, AddonVersion, ManagedClusterSetBinding } from "#api";
import {
  addOnDeploymentConfigs,
  globalClusterSetName,
  managedClusterSetBindings,
  ocmLabels,
} from "#api";
import {
  createController,
  createObjectCache,
  type EventRecorder,
  type KubeClient,
  onCacheChange,
} from "#kube";
import type { Logger, Metrics, Runnable } from "#runtime";
import {
  type AddonCaches,
  type CacheRunnable,
  createAddonCaches,
  createMembershipCaches,
} from "./addon-caches.ts";
import { createCertificateReconciler } from "./certificates/reconciler.ts";
import { type ConfigSource, createConfigSource } from "./configuration/config-source.ts";
import { createManagementReconciler } from "./configuration/management-reconciler.ts";
import type { AddonDefinition } from "./definition.ts";
import { createDeployReconciler } from "./deploy/reconciler.ts";
import { createSetBindingReconciler } from "./set-binding.ts";
import { allClusters, changedCluster, clusterOf, ofEveryCluster } from "./triggers.ts";

/** What every part of the hub controller is given. */
export interface ControllerDeps {
  readonly client: KubeClient;
  /** Version of the addon API that this hub serves and that we use. */
  readonly version: AddonVersion;
  /** The namespace that we run in; our Placements are there too. */
  readonly namespace: string;
  readonly log: Logger;
  readonly metrics: AddonMetrics;
  readonly events: EventRecorder;
  readonly now: () => Date;
}

/** One part of the controller: what only reads, and what acts and so needs to be the leader. */
export interface Part {
  readonly caches: readonly CacheRunnable[];
  readonly controllers: readonly Runnable[];
}

/** The metrics that all addons of a process share. */
export type AddonMetrics = ReturnType<typeof createAddonMetrics>;

export function createAddonMetrics(metrics: Metrics) {
  return {
    certificateDecisions: metrics.counter({
      name: "spokeway_addon_certificate_decisions_total",
      help: "Certificate requests of addon agents that were granted or left alone, and why.",
      labels: ["addon", "decision", "reason"],
    }),
    certificateEnd: metrics.gauge({
      name: "spokeway_certificate_not_after_seconds",
      help: "When a certificate that the controller keeps ends, in seconds since 1970.",
      labels: ["namespace", "secret"],
    }),
    outputActions: metrics.counter({
      name: "spokeway_account_output_actions_total",
      help: "Outputs of ManagedServiceAccounts that were written or removed.",
      labels: ["output", "action"],
    }),
    outputRefusals: metrics.counter({
      name: "spokeway_account_output_refusals_total",
      help: "Outputs of ManagedServiceAccounts that became refused, and why.",
      labels: ["output", "reason"],
    }),
    setClusters: metrics.gauge({
      name: "spokeway_account_set_clusters",
      help: "Clusters of a ManagedServiceAccountSet, by whether their account is ready.",
      labels: ["namespace", "set", "state"],
    }),
    setActions: metrics.counter({
      name: "spokeway_account_set_actions_total",
      help: "Accounts of sets that were applied or removed, or could not be.",
      labels: ["action"],
    }),
    clusterHealthy: metrics.gauge({
      name: "spokeway_gateway_cluster_healthy",
      help: "1 while the managed cluster answers through the gateway, else 0.",
      labels: ["cluster"],
    }),
  };
}

/** The part that is the same for every addon, with its caches for the rest of the addon. */
export interface AddonPart extends Part {
  readonly addonCaches: AddonCaches;
}

/** The same where OCM delivers the addon. */
export interface DelegatedPart extends Part {
  readonly addonCaches: Membership;
}

type Membership = Pick<AddonCaches, "addons" | "addonOf" | "clusters" | "management">;

/** What is left to the manager of an addon that OCM itself delivers, from an AddOnTemplate. */
export function createDelegatedAddon(deps: ControllerDeps, name: AddonName): DelegatedPart {
  const log = deps.log.with({ addon: name });
  const caches = createMembershipCaches(deps.client, name, deps.version, log);
  const binding = setBinding({ ...deps, log }, name, caches);
  return {
    addonCaches: caches,
    caches: [caches.addons, caches.clusters, caches.management, ...binding.caches],
    controllers: binding.controllers,
  };
}

/** Everything that OCM asks of the manager of one addon. */
export function createAddon(deps: ControllerDeps, definition: AddonDefinition): AddonPart {
  const log = deps.log.with({ addon: definition.name });
  const caches = createAddonCaches(deps.client, definition, deps.version, log);
  const binding = setBinding({ ...deps, log }, definition.name, caches);
  const source = configSource(definition, deps.version, caches);
  const parts = { ...deps, log, definition, source, caches };
  return {
    addonCaches: caches,
    caches: [...caches.runnables, ...binding.caches],
    controllers: [
      deployController(parts),
      ...certificateControllers(parts),
      managementController(parts),
      ...binding.controllers,
    ],
  };
}

/** Lets the Placements of our namespace select among all clusters. */
function setBinding(
  deps: ControllerDeps,
  name: AddonName,
  { management: addons }: Pick<Membership, "management">,
): Part {
  const { namespace, client, log } = deps;
  const bindings = createObjectCache<ManagedClusterSetBinding>(client, managedClusterSetBindings, {
    namespace,
    fieldSelector: `metadata.name=${globalClusterSetName}`,
    log,
  });
  const controller = createController({
    log,
    reconciler: createSetBindingReconciler({ ...deps, addons, bindings }),
    triggers: [onCacheChange(addons), onCacheChange(bindings, () => [name])],
  });
  return { caches: [bindings], controllers: [controller] };
}

interface Parts extends ControllerDeps {
  readonly definition: AddonDefinition;
  readonly source: ConfigSource;
  readonly caches: AddonCaches;
}

function configSource(
  { configKind }: AddonDefinition,
  version: AddonVersion,
  { deploymentConfigs, configs }: AddonCaches,
): ConfigSource {
  return createConfigSource([
    { type: addOnDeploymentConfigs(version), cache: deploymentConfigs },
    ...(configKind === undefined || configs === undefined
      ? []
      : [{ type: configKind, cache: configs }]),
  ]);
}

function deployController(parts: Parts): Runnable {
  const { caches, definition, log } = parts;
  const every = allClusters(caches.addons);
  return createController({
    log,
    reconciler: createDeployReconciler(parts),
    triggers: [
      onCacheChange(caches.addons, clusterOf),
      onCacheChange(caches.works, clusterOf),
      onCacheChange(caches.clusters, changedCluster),
      onCacheChange(caches.deploymentConfigs, every),
      ...[caches.configs].flatMap((cache) => (cache ? [onCacheChange(cache, every)] : [])),
      ...[caches.roles, caches.roleBindings].flatMap((cache) =>
        cache ? [onCacheChange(cache, clusterOf)] : [],
      ),
      ...definition.triggers.map((trigger) => ofEveryCluster(trigger, every)),
    ],
  });
}

function certificateControllers(parts: Parts): readonly Runnable[] {
  const { caches, definition, log, metrics } = parts;
  const { requests } = caches;
  if (requests === undefined) return [];
  const requestsOf = (cluster: string | undefined): readonly string[] =>
    requests
      .list()
      .filter(({ metadata }) => metadata.labels?.[ocmLabels.clusterName] === cluster)
      .map(({ metadata }) => metadata.name);
  const ofAll = (): readonly string[] => requests.list().map(({ metadata }) => metadata.name);
  const controller = createController({
    log,
    reconciler: createCertificateReconciler({
      ...parts,
      requests,
      decisions: metrics.certificateDecisions,
    }),
    triggers: [
      onCacheChange(requests),
      onCacheChange(caches.addons, ({ before, after }) =>
        before === undefined ? requestsOf(after?.metadata.namespace) : [],
      ),
      onCacheChange(caches.clusters, (change) => changedCluster(change).flatMap(requestsOf)),
      ...definition.triggers.map((trigger) => ofEveryCluster(trigger, ofAll)),
    ],
  });
  return [controller];
}

function managementController({
  client,
  version,
  caches,
  definition,
  source,
  log,
}: Parts): Runnable {
  const addon = (): readonly string[] => [definition.name];
  return createController({
    log,
    reconciler: createManagementReconciler({ client, version, addons: caches.management, source }),
    triggers: [
      onCacheChange(caches.management),
      onCacheChange(caches.deploymentConfigs, addon),
      ...[caches.configs].flatMap((cache) => (cache ? [onCacheChange(cache, addon)] : [])),
    ],
  });
}
