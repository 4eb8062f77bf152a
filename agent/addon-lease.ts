import { type KubeClient, renewLease } from "#kube";
import {
  describeError,
  type Logger,
  type Runnable,
  sleep as realSleep,
  type Sleep,
} from "#runtime";

/** Why the addon does not work at the moment, or undefined while it does. May ask a server. */
export type AddonCheck = (signal: AbortSignal) => Promise<string | undefined> | string | undefined;

export interface AddonLeaseOptions {
  /** Of the managed cluster, where the klusterlet looks. */
  readonly client: KubeClient;
  /** The addon's name, which is the Lease's. */
  readonly addon: string;
  /** The namespace that the agent runs in. */
  readonly namespace: string;
  /** The Lease is renewed only while all of them are fine. */
  readonly checks: Readonly<Record<string, AddonCheck>>;
  readonly log: Logger;
  /** Between renewals. Defaults to 60 s, to which up to a quarter is added at random. */
  readonly intervalMs?: number;
  /** Before the next look when the addon does not work. Defaults to 5 s. */
  readonly retryMs?: number;
  readonly sleep?: Sleep;
  readonly now?: () => number;
}

/** What the klusterlet expects: it calls an addon unavailable after five times as long. */
const leaseDurationSeconds = 60;
/** A check that answers nothing for this long has failed. */
const checkTimeoutMs = 10_000;

/**
 * The heartbeat by which the klusterlet tells whether an addon is available. A process that runs
 * but does not do its work lets it lapse.
 */
export function createAddonLease(options: AddonLeaseOptions): Runnable {
  const { addon, log, intervalMs = 60_000, retryMs = 5_000, sleep = realSleep } = options;
  return {
    name: `addon-lease ${addon}`,
    async run(signal) {
      let told: string | undefined;
      for (;;) {
        const fault = await beat(options, signal);
        if (signal.aborted) return;
        if (fault !== told) tell(log, fault);
        told = fault;
        const waitMs = fault === undefined ? intervalMs * (1 + Math.random() / 4) : retryMs;
        await sleep(waitMs, signal);
      }
    },
  };
}

/** Renews if all is well; answers why it did not. */
async function beat(
  { client, addon, namespace, checks, now = Date.now }: AddonLeaseOptions,
  signal: AbortSignal,
): Promise<string | undefined> {
  const scope = AbortSignal.any([signal, AbortSignal.timeout(checkTimeoutMs)]);
  try {
    const results = await Promise.all(
      Object.entries(checks).map(async ([name, check]) => {
        const fault = await check(scope);
        return fault === undefined ? [] : [`${name}: ${fault}`];
      }),
    );
    const faults = results.flat();
    if (faults.length > 0) return faults.join("; ");
    const key = { name: addon, namespace };
    await renewLease(client, key, { leaseDurationSeconds }, new Date(now()), scope);
    return undefined;
  } catch (error) {
    return describeError(error);
  }
}

function tell(log: Logger, fault: string | undefined): void {
  if (fault === undefined) log.info("Addon works, renewing its lease");
  else log.warn("Addon does not work, its lease is not renewed", { fault });
}
