import {
  type KubeObject,
  type ManagedServiceAccount,
  managedServiceAccountLabels,
  type ResourceType,
  type Secret,
  secrets,
  serviceAccounts,
} from "#api";
import {
  createController,
  createEventRecorder,
  createFreshView,
  createObjectCache,
  type FreshView,
  keyOfObject,
  labelSelector,
  type ObjectCache,
  onCacheChange,
  type Trigger,
} from "#kube";
import type { Runnable } from "#runtime";
import { createAddonLease } from "../addon-lease.ts";
import type { TokenAgentOptions } from "./agent-options.ts";
import { createAnchors } from "./anchors.ts";
import { createPermissionWork, type RightsCaches } from "./permissions/work.ts";
import { createTokenReconciler, type TokenPorts } from "./reconciler.ts";
import { releaseServiceAccount } from "./release.ts";
import { ReviewMemory } from "./review-memory.ts";
import { createTokenEvents } from "./token-events.ts";
import { createTokenMetrics } from "./token-metrics.ts";
import { createTtlReconciler } from "./ttl-reconciler.ts";

/** The addon's name, and that of the Lease by which it lives. */
const addonName = "managed-serviceaccount";
/** The agent's name among candidates for leadership, and in Events. */
export const componentName = "managed-serviceaccount-addon-agent";

/** Between two questions to the managed cluster whether a token is still accepted. */
const reviewMinMs = 600_000;
/** With many accounts the questions are spread: no more than one in this time. */
const reviewSpacingMs = 1_000;

/** What both clusters have told before the work can begin. */
export interface Start {
  /** The newest version of accounts that the hub serves. */
  readonly accountType: ResourceType<ManagedServiceAccount>;
  /** The agent's own ServiceAccount. */
  readonly ownName: string | undefined;
}

/** All that the agent watches. */
export interface Caches {
  readonly accounts: ObjectCache<ManagedServiceAccount>;
  readonly secrets: ObjectCache<Secret>;
  readonly serviceAccounts: ObjectCache<KubeObject>;
}

/**
 * While its API server is away it is tried this often: it may come back with another signing key,
 * and until we look no token on the hub works.
 */
const longestPauseMs = 1_000;

/** Watches of the cluster's accounts, and of what carries our label. */
export function createCaches(
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
      longestPauseMs,
      labelSelector: ours,
    }),
  };
}

/** Which of the caches still know nothing. */
export function unsynced(caches: Caches): string | undefined {
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

/** Everything that acts on what the caches tell. */
export function createWork(
  options: TokenAgentOptions,
  start: Start,
  caches: Caches,
  rights: RightsCaches | undefined,
): readonly Runnable[] {
  const { hub, log } = options;
  const views = createViews(caches);
  const reviews = new ReviewMemory();
  const ports = createTokenPorts(options, start, caches, views, reviews);
  const ttl = createTtlReconciler({ ...start, hub, ...views, now: Date.now, log });
  const triggers = accountTriggers(options, caches);
  const permissionPorts = { ...ports, ownNames: ports.settings.ownNames };
  return [
    createController({
      reconciler: createTokenReconciler(ports),
      triggers: [afterOutage(caches, reviews), ...triggers, onCacheChange(caches.secrets)],
      log,
    }),
    createPermissionWork(options, {
      ports: permissionPorts,
      rights,
      triggers,
      component: componentName,
    }),
    ...(options.endsEphemeral
      ? [createController({ reconciler: ttl, triggers: [onCacheChange(caches.accounts)], log })]
      : []),
    ...(options.renewsLease ? [createLease(options, start.accountType, caches)] : []),
  ];
}

function accountTriggers({ cluster }: TokenAgentOptions, caches: Caches): readonly Trigger[] {
  return [
    onCacheChange(caches.accounts),
    // What others change on a ServiceAccount is no business of ours; that it comes or goes is.
    onCacheChange(caches.serviceAccounts, ({ before, after }) => {
      const name = (after ?? before)?.metadata.name;
      const isSame = before?.metadata.uid === after?.metadata.uid;
      return isSame || name === undefined ? [] : [`${cluster}/${name}`];
    }),
  ];
}

/**
 * After an outage of the managed cluster every token is asked about: its API server may have come
 * back with another signing key.
 */
function afterOutage(caches: Caches, reviews: ReviewMemory): Trigger {
  return {
    subscribe: (enqueue) =>
      caches.serviceAccounts.onRecovery(() => {
        reviews.clear();
        for (const account of caches.accounts.list()) enqueue(keyOfObject(account));
      }),
    waitForSync: () => Promise.resolve(),
  };
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
  reviews: ReviewMemory,
): TokenPorts {
  const { hub, managed, namespace: agentNamespace, log } = options;
  const metrics = createTokenMetrics(options.metrics);
  const anchors = createAnchors(managed, { namespace: agentNamespace, ownName });
  const basic = { hub, managed, accountType, agentNamespace, anchors, log, ...views };
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
      hub: createEventRecorder(hub, componentName, log),
      managed: createEventRecorder(managed, componentName, log),
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
