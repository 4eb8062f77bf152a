import { type Lease, leases } from "#api";
import {
  describeError,
  isAborted,
  type Logger,
  type Runnable,
  sleep as realSleep,
  type Sleep,
} from "#runtime";
import { ignoreNotFound, isApiError } from "./api-error.ts";
import type { KubeClient } from "./client.ts";
import { microTime } from "./lease.ts";
import { labelSelector } from "./request.ts";
import { leaseEndMs } from "./valid-lease.ts";

export interface PresenceOptions {
  readonly name: string;
  readonly namespace: string;
  /** By which those who count such Leases find them. */
  readonly labels: Readonly<Record<string, string>>;
  readonly holderIdentity: string;
  readonly log: Logger;
  /** Told how many Leases of others were removed because they had ended. */
  readonly onCulled?: (count: number) => void;
  /** How long it is believed without a renewal. Defaults to 30 seconds. */
  readonly leaseDurationSeconds?: number;
  /** Between renewals. Defaults to 15 seconds, give or take a little. */
  readonly renewMs?: number;
  readonly sleep?: Sleep;
  readonly nowMs?: () => number;
}

const callTimeoutMs = 10_000;
const retryMs = 2_000;
const farewellTimeoutMs = 2_000;

/**
 * A Lease that says a process is there, for others to count: made and renewed while it runs, and
 * deleted when it is asked to end. Also removes the Leases with the same labels whose processes
 * ended without doing so. What fails is logged and tried again.
 */
export function createPresence(client: KubeClient, options: PresenceOptions): Runnable {
  const { log, renewMs = 15_000, sleep = realSleep } = options;
  return {
    name: `presence ${options.name}`,
    async run(signal) {
      try {
        while (!isAborted(signal)) {
          const isRenewed = await attempt(options, signal, (scope) =>
            renew(client, options, scope),
          );
          await attempt(options, signal, (scope) => cull(client, options, scope));
          await sleep((isRenewed ? renewMs : retryMs) * (1 + 0.04 * Math.random()), signal);
        }
      } finally {
        await client
          .delete(leases, options, AbortSignal.timeout(farewellTimeoutMs))
          // It then ends by itself.
          .catch((error: unknown) => log.warn("Cannot delete lease", { error }));
      }
    },
  };
}

async function attempt(
  { name, log }: PresenceOptions,
  signal: AbortSignal,
  act: (scope: AbortSignal) => Promise<void>,
): Promise<boolean> {
  try {
    await act(AbortSignal.any([signal, AbortSignal.timeout(callTimeoutMs)]));
    return true;
  } catch (error) {
    if (signal.aborted) throw error;
    log.warn("Cannot keep lease", { lease: name, error: describeError(error) });
    return false;
  }
}

async function renew(client: KubeClient, options: PresenceOptions, signal: AbortSignal) {
  const { name, namespace, labels, holderIdentity, leaseDurationSeconds = 30 } = options;
  const renewTime = microTime(new Date(now(options)));
  const renewed = { holderIdentity, leaseDurationSeconds, renewTime };
  const patch = { metadata: { labels }, spec: renewed };
  const patched = await ignoreNotFound(
    client.mergePatch(leases, { name, namespace }, patch, signal),
  );
  if (patched !== undefined) return;
  const spec = { ...renewed, acquireTime: renewTime };
  await client.create(leases, { metadata: { name, namespace, labels }, spec } as Lease, signal);
}

async function cull(client: KubeClient, options: PresenceOptions, signal: AbortSignal) {
  const { namespace, labels, onCulled, log } = options;
  const selector = { namespace, labelSelector: labelSelector(labels) };
  const { items } = await client.list(leases, selector, signal);
  for (const lease of endedLeases(items, now(options))) {
    const { name, resourceVersion } = lease.metadata;
    try {
      // Unless it has been renewed in the meantime.
      await client.delete(leases, { name, namespace }, signal, { resourceVersion });
      onCulled?.(1);
      log.info("Removed the lease of a process that is gone", { lease: name });
    } catch (error) {
      if (!isApiError(error, "conflict", "not_found")) throw error;
    }
  }
}

/** Those that have ended. One that says nothing about its end is somebody else's. */
export function endedLeases(all: readonly Lease[], nowMs: number): readonly Lease[] {
  return all.filter((lease) => {
    const endMs = leaseEndMs(lease);
    return endMs !== undefined && endMs <= nowMs;
  });
}

function now({ nowMs = Date.now }: PresenceOptions): number {
  return nowMs();
}
