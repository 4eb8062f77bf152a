import { type Lease, leases } from "#api";
import type { Logger, Runnable } from "#runtime";
import type { KubeClient } from "./client.ts";
import { createObjectCache } from "./object-cache.ts";
import { isLeaseValid, leaseEndMs } from "./valid-lease.ts";

/** Who holds Leases that are valid now. */
export interface LiveHolders extends Runnable {
  /** Their identities, in order; `undefined` until they are known. */
  readonly current: readonly string[] | undefined;
  /** Calls back after each change, the end of a Lease included. Returns the unsubscriber. */
  onChange(listener: () => void): () => void;
}

export interface LiveHoldersOptions {
  readonly namespace: string;
  readonly labelSelector: string;
  readonly log: Logger;
  readonly nowMs?: () => number;
}

/** Follows the Leases that some processes keep while they run. */
export function createLiveHolders(client: KubeClient, options: LiveHoldersOptions): LiveHolders {
  const { nowMs = Date.now, ...list } = options;
  const cache = createObjectCache(client, leases, list);
  const listeners = new Set<() => void>();
  let current: readonly string[] | undefined;
  let timer: NodeJS.Timeout | undefined;
  const look = () => {
    if (!cache.isSynced) return;
    const all = cache.list();
    clearTimeout(timer);
    const endMs = nextEndMs(all, nowMs());
    if (endMs !== undefined) timer = setTimeout(look, endMs - nowMs()).unref();
    const found = holdersOf(all, nowMs());
    if (current?.join() === found.join()) return;
    current = found;
    for (const listener of listeners) listener();
  };
  return {
    name: "lease-holders",
    get current() {
      return current;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async run(signal) {
      const unsubscribe = cache.onChange(look);
      // A list without any Lease changes nothing, and is an answer all the same.
      cache.waitForSync(signal).then(look, () => undefined);
      try {
        await cache.run(signal);
      } finally {
        unsubscribe();
        clearTimeout(timer);
      }
    },
  };
}

/** The holders of those that are valid, in order, each once. */
export function holdersOf(all: readonly Lease[], nowMs: number): readonly string[] {
  const holders = all
    .filter((lease) => isLeaseValid(lease, nowMs))
    .flatMap(({ spec }) => spec?.holderIdentity ?? []);
  return [...new Set(holders)].toSorted();
}

/** When the first of those that are valid ends. */
export function nextEndMs(all: readonly Lease[], nowMs: number): number | undefined {
  const ends = all.flatMap((lease) => leaseEndMs(lease) ?? []).filter((endMs) => endMs > nowMs);
  return ends.length === 0 ? undefined : Math.min(...ends);
}
