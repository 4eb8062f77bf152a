import {
  type KubeObject,
  type ManagedServiceAccount,
  managedServiceAccountLabels,
  managedServiceAccounts,
  managedServiceAccountsV1alpha1,
  type ResourceType,
  type Secret,
  secrets,
  serviceAccounts,
} from "#api";
import {
  createController,
  createEventRecorder,
  createFreshView,
  createLeaderElection,
  createObjectCache,
  type FreshView,
  firstServed,
  type KubeClient,
  labelSelector,
  type ObjectCache,
  onCacheChange,
} from "#kube";
import {
  backoffDelays,
  type Check,
  describeError,
  type Logger,
  type Metrics,
  type Runnable,
  retry,
  runAll,
  sleep,
} from "#runtime";
import { createAddonLease } from "../addon-lease.ts";
import { createTokenReconciler, type TokenPorts } from "./reconciler.ts";
import { releaseServiceAccount } from "./release.ts";
import { ReviewMemory } from "./review-memory.ts";
import { readOwnName } from "./self.ts";
import { createTokenEvents } from "./token-events.ts";
import { createTokenMetrics } from "./token-metrics.ts";
import { createTtlReconciler } from "./ttl-reconciler.ts";

export interface TokenAgentOptions {
  readonly hub: KubeClient;
  readonly managed: KubeClient;
  /** Name of the managed cluster, which is its namespace on the hub. */
  readonly cluster: string;
  /** The agent's namespace on the managed cluster, where the ServiceAccounts are made. */
  readonly namespace: string;
  /** Whether to renew the addon's Lease. */
  readonly renewsLease: boolean;
  /** This candidate's name when several agents elect a leader; undefined when there is but one. */
  readonly electionIdentity: string | undefined;
  /** Whether accounts are deleted at the end of `spec.ttlSecondsAfterCreation`. */
  readonly endsEphemeral: boolean;
  /** Whether ServiceAccounts that others made are handed out without asking. */
  readonly adoptsAny: boolean;
  readonly metrics: Metrics;
  readonly log: Logger;
}

export interface TokenAgent extends Runnable {
  /** Fails until everything that the agent watches is known. */
  readonly ready: Check;
}

const addonName = "managed-serviceaccount";
const electionName = "managed-serviceaccount-addon-agent";

/** Between two questions to the managed cluster whether a token is still accepted. */
const reviewMinMs = 600_000;
/** With many accounts the questions are spread: no more than one in this time. */
const reviewSpacingMs = 1_000;

/** Keeps a fresh token on the hub for every ManagedServiceAccount of one cluster. */
export function createTokenAgent(options: TokenAgentOptions): TokenAgent {
  let caches: Caches | undefined;
  return {
    name: "token-agent",
    ready() {
      if (caches === undefined) return "the hub or the managed cluster was not reached yet";
      return unsynced(caches);
    },
    async run(signal) {
      const start = await reach(options, signal);
      caches = createCaches(options, start.accountType);
      const work = createWork(options, start, caches);
      const { electionIdentity: identity, managed, namespace, log } = options;
      const lease = { name: electionName, namespace };
      const runnables =
        identity === undefined
          ? work
          : [createLeaderElection(managed, { lease, identity, log }, work)];
      await runAll([...Object.values(caches), ...runnables], signal);
    },
  };
}

interface Start {
  readonly accountType: ResourceType<ManagedServiceAccount>;
  readonly ownName: string | undefined;
}

/** Asks both clusters what has to be known first, until they answer. */
async function reach(options: TokenAgentOptions, signal: AbortSignal): Promise<Start> {
  const { hub, managed, namespace, log } = options;
  const persist = async <T>(what: string, attempt: (scope: AbortSignal) => Promise<T>) => {
    const noisy = async (scope: AbortSignal): Promise<T> => {
      try {
        return await attempt(scope);
      } catch (error) {
        if (!scope.aborted) log.warn("Cannot start yet", { what, error: describeError(error) });
        throw error;
      }
    };
    const delays = backoffDelays({ minMs: 500, maxMs: 30_000, jitter: 0.3 });
    return retry(noisy, delays, () => !signal.aborted, sleep, signal);
  };
  const versions = [managedServiceAccounts, managedServiceAccountsV1alpha1];
  const [accountType, ownName] = await Promise.all([
    persist("hub", (scope) => firstServed(hub, versions, scope)),
    persist("managed cluster", (scope) => readOwnName(managed, namespace, scope)),
  ]);
  log.info("Reached both clusters", { accountVersion: accountType.version, ownName });
  return { accountType, ownName };
}

interface Caches {
  readonly accounts: ObjectCache<ManagedServiceAccount>;
  readonly secrets: ObjectCache<Secret>;
  readonly serviceAccounts: ObjectCache<KubeObject>;
}

function createCaches(
  { hub, managed, cluster, namespace, log }: TokenAgentOptions,
  accountType: ResourceType<ManagedServiceAccount>,
): Caches {
  const ours = labelSelector({ [managedServiceAccountLabels.managed]: "true" });
  const onHub = { namespace: cluster, log };
  return {
    accounts: createObjectCache(hub, accountType, onHub),
    secrets: createObjectCache(hub, secrets, { ...onHub, labelSelector: ours }),
    serviceAccounts: createObjectCache(managed, serviceAccounts, {
      namespace,
      log,
      labelSelector: ours,
    }),
  };
}

function unsynced(caches: Caches): string | undefined {
  const waiting = all(caches).filter(({ isSynced }) => !isSynced);
  if (waiting.length === 0) return undefined;
  return `waiting for ${waiting.map(({ name }) => name).join(", ")}`;
}

/** Why one of the caches has stopped to follow its server. */
function behind(caches: Caches): string | undefined {
  return all(caches).find(({ fault }) => fault !== undefined)?.fault;
}

function all(
  caches: Caches,
): readonly Pick<ObjectCache<KubeObject>, "isSynced" | "fault" | "name">[] {
  return Object.values({ ...caches });
}

function createWork(options: TokenAgentOptions, start: Start, caches: Caches): readonly Runnable[] {
  const { hub, log } = options;
  const views = createViews(caches);
  const ports = { ...start, hub, ...views, now: Date.now, log };
  const ttl = createTtlReconciler(ports);
  return [
    createController({
      reconciler: createTokenReconciler(createTokenPorts(options, start, caches, views)),
      triggers: [
        onCacheChange(caches.accounts),
        onCacheChange(caches.secrets),
        // What others change on a ServiceAccount is no business of ours; that it comes or goes is.
        onCacheChange(caches.serviceAccounts, ({ before, after }) => {
          const name = (after ?? before)?.metadata.name;
          const isSame = before?.metadata.uid === after?.metadata.uid;
          return isSame || name === undefined ? [] : [`${options.cluster}/${name}`];
        }),
      ],
      log,
    }),
    ...(options.endsEphemeral
      ? [createController({ reconciler: ttl, triggers: [onCacheChange(caches.accounts)], log })]
      : []),
    ...(options.renewsLease ? [createLease(options, start.accountType, caches)] : []),
  ];
}

type Views = {
  readonly [Name in keyof Caches]: Caches[Name] extends ObjectCache<infer T> ? FreshView<T> : never;
};

function createViews(caches: Caches): Views {
  return {
    accounts: createFreshView(caches.accounts),
    secrets: createFreshView(caches.secrets),
    serviceAccounts: createFreshView(caches.serviceAccounts),
  };
}

function createTokenPorts(
  options: TokenAgentOptions,
  { accountType, ownName }: Start,
  caches: Caches,
  views: Views,
): TokenPorts {
  const { hub, managed, namespace: agentNamespace, log } = options;
  const reviews = new ReviewMemory();
  const metrics = createTokenMetrics(options.metrics);
  const basic = { hub, managed, accountType, agentNamespace, log, ...views };
  return {
    ...basic,
    settings: {
      agentNamespace,
      ownNames: new Set([addonName, ...(ownName === undefined ? [] : [ownName])]),
      adoptsAny: options.adoptsAny,
    },
    reviews,
    reviewEveryMs() {
      const spacedMs = caches.accounts.list().length * reviewSpacingMs;
      return Math.max(reviewMinMs, spacedMs) * (0.75 + Math.random() / 2);
    },
    async release(key, signal) {
      reviews.forget(key);
      metrics.forget(key.split("/")[1] ?? key);
      await releaseServiceAccount(basic, key, signal);
    },
    metrics,
    events: createTokenEvents({
      accountType,
      hub: createEventRecorder(hub, electionName, log),
      managed: createEventRecorder(managed, electionName, log),
      serviceAccount: (name) => views.serviceAccounts.get(`${agentNamespace}/${name}`),
    }),
    now: Date.now,
  };
}

function createLease(
  { hub, managed, namespace, log }: TokenAgentOptions,
  { group, version }: ResourceType<ManagedServiceAccount>,
  caches: Caches,
): Runnable {
  return createAddonLease({
    client: managed,
    addon: addonName,
    namespace,
    checks: {
      caches: () => unsynced(caches) ?? behind(caches),
      // Needs to be let in, unlike /version or /livez, so that it also tells of a bad credential.
      hub: async (signal) => {
        await hub.rawJson(`/apis/${group}/${version}`, signal);
        return undefined;
      },
    },
    log,
  });
}
