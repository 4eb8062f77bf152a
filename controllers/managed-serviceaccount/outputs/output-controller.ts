import {
  accountOutputKinds,
  accountOutputLabels,
  configMaps,
  isConditionTrue,
  type KubeObject,
  type ManagedCluster,
  type ManagedServiceAccount,
  managedServiceAccountConditionTypes,
  managedServiceAccountLabels,
  managedServiceAccounts,
  objectMeta,
  type ResourceType,
  secrets,
} from "#api";
import {
  type CacheChange,
  createController,
  createObjectCache,
  keyOfObject,
  type ListOptions,
  type ObjectCache,
  onCacheChange,
} from "#kube";
import type { ControllerDeps, DelegatedPart, Part } from "../../addon/addon.ts";
import { requestsOf } from "./desired.ts";
import type { GatewayDoor } from "./reach.ts";
import { createOutputReconciler } from "./reconciler.ts";
import { createGatewayRegistrations, type GatewayRegistrations } from "./registrations.ts";
import { madeOutputOf, type OutputPolicy, ownerKeyOf } from "./snapshot.ts";

const { outputsReady } = managedServiceAccountConditionTypes;

export interface OutputOptions extends OutputPolicy {
  /** URL of the gateway's port for clients outside of the hub's network; empty for its Service. */
  readonly gatewayAddress: string;
}

/** What is known of all accounts, for other parts as well. */
export interface AccountCaches {
  readonly accounts: ObjectCache<ManagedServiceAccount>;
  /** Metadata of the Secrets with their tokens. */
  readonly tokens: ObjectCache<KubeObject>;
  /** The gateway's registration as an API of the hub. */
  readonly registrations: GatewayRegistrations;
}

/** The part, with what it knows. */
export interface OutputPart extends Part {
  readonly known: AccountCaches;
  /** The gateway's door; undefined while it is closed for tokens of accounts. */
  readonly gateway: () => GatewayDoor | undefined;
}

/** Keeps what accounts ask for beside their token. */
export function createOutputController(
  deps: ControllerDeps,
  { addonCaches }: Pick<DelegatedPart, "addonCaches">,
  { gatewayAddress, ...policy }: OutputOptions,
): OutputPart {
  const caches = openCaches(deps, policy);
  const { accounts, registrations } = caches;
  const made = [caches.madeSecrets, ...(caches.passes === undefined ? [] : [caches.passes])];
  const { clusters, addons } = addonCaches;
  const reconciler = createOutputReconciler({
    ...deps,
    metrics: { actions: deps.metrics.outputActions, refusals: deps.metrics.outputRefusals },
    accounts,
    clusters,
    addons,
    registrations,
    made,
    policy,
    gatewayAddress,
  });
  const asking = (of: (account: ManagedServiceAccount) => boolean): readonly string[] =>
    accounts
      .list()
      .filter((account) => account.spec.outputs !== undefined && of(account))
      .map(keyOfObject);
  const inCluster = (cluster: string | undefined) =>
    asking(({ metadata }) => metadata.namespace === cluster);
  const controller = createController({
    reconciler,
    log: deps.log,
    triggers: [
      onCacheChange(accounts),
      onCacheChange(caches.tokens),
      ...made.map((cache) =>
        onCacheChange(cache, (change) => [...ownersOf(change), ...asking(concerns(change))]),
      ),
      onCacheChange(addons, ({ before, after }) =>
        inCluster((after ?? before)?.metadata.namespace),
      ),
      onCacheChange(clusters, (change) => (isNews(change) ? inCluster(change.key) : [])),
      ...registrations.caches.map((cache) => onCacheChange(cache, () => asking(() => true))),
    ],
  });
  return {
    known: caches,
    gateway: () => openDoor(registrations, policy, gatewayAddress),
    caches: caches.all,
    controllers: [controller],
  };
}

function openCaches({ client, log }: ControllerDeps, { passNamespace }: OutputPolicy) {
  const metadataOf = (type: ResourceType, options: ListOptions) =>
    createObjectCache<KubeObject>(client, { ...type, parse: metadataOnly }, { ...options, log });
  const ours = { labelSelector: accountOutputLabels.output };
  const registrations = createGatewayRegistrations(client, log);
  const caches = {
    accounts: createObjectCache<ManagedServiceAccount>(client, managedServiceAccounts, { log }),
    tokens: metadataOf(secrets, { labelSelector: `${managedServiceAccountLabels.managed}=true` }),
    madeSecrets: metadataOf(secrets, ours),
    passes:
      passNamespace === ""
        ? undefined
        : metadataOf(configMaps, { ...ours, namespace: passNamespace }),
  };
  const all = [...Object.values(caches).filter(isPresent), ...registrations.caches];
  return { ...caches, registrations, all };
}

function openDoor(
  registrations: GatewayRegistrations,
  { passNamespace }: OutputPolicy,
  gatewayAddress: string,
): GatewayDoor | undefined {
  if (passNamespace === "") return undefined;
  return registrations.doorAt(gatewayAddress);
}

/** What is secret is read when it is needed: to know that it changed takes its metadata alone. */
function metadataOnly(input: unknown): KubeObject {
  return { metadata: objectMeta.parse((input as KubeObject).metadata) };
}

function isPresent<T>(value: T | undefined): value is T {
  return value !== undefined;
}

function ownersOf({ before, after }: CacheChange<KubeObject>): readonly string[] {
  const owners = [before, after].flatMap((object) =>
    object === undefined ? [] : [ownerKeyOf(object.metadata)],
  );
  return [...new Set(owners)].filter((key) => key !== undefined);
}

/**
 * Which accounts an output concerns beside its own: those that wait, when it goes, and those of the
 * same cluster when it comes, because it may lead Argo CD to the same server.
 */
function concerns({ before, after }: CacheChange<KubeObject>) {
  const output = [after ?? before].flatMap((object) =>
    object === undefined ? [] : [madeOutputOf(object.metadata)],
  )[0];
  const owner = output === undefined ? undefined : ownerKeyOf(output.metadata);
  const isThere = (account: ManagedServiceAccount): boolean =>
    requestsOf(account).some(({ namespace }) => namespace === output?.namespace);
  if (after === undefined) {
    return (account: ManagedServiceAccount): boolean =>
      !isConditionTrue(account.status.conditions, outputsReady) && isThere(account);
  }
  const hasCome = before === undefined && output?.kind === accountOutputKinds.argocd;
  return (account: ManagedServiceAccount): boolean =>
    hasCome && owner?.startsWith(`${account.metadata.namespace}/`) === true && isThere(account);
}

/** OCM renews conditions of ManagedClusters all the time, which is nothing to us. */
function isNews({ before, after }: CacheChange<ManagedCluster>): boolean {
  const told = (cluster: ManagedCluster | undefined) =>
    JSON.stringify([
      cluster?.metadata.deletionTimestamp,
      cluster?.spec.managedClusterClientConfigs,
    ]);
  return before === undefined || after === undefined || told(before) !== told(after);
}
