import { type Lease, leases } from "#api";
import {
  describeError,
  type Logger,
  type Runnable,
  sleep as realSleep,
  runAll,
  type Sleep,
} from "#runtime";
import { ignoreNotFound, isApiError } from "./api-error.ts";
import type { KubeClient, ObjectKey } from "./client.ts";
import { microTime } from "./lease.ts";

export interface ElectionOptions {
  /** The Lease that candidates compete for. */
  readonly lease: Required<Pick<ObjectKey, "name">> & { readonly namespace: string };
  /** Unique among the candidates, e.g. the pod's name. */
  readonly identity: string;
  readonly log: Logger;
  /** How long a leader that stays silent is believed. Defaults to 15 s. */
  readonly leaseDurationMs?: number;
  /** Between renewals and between tries. Defaults to 2 s. */
  readonly retryMs?: number;
  /** A leader that could not renew for this long stops. Defaults to 10 s. */
  readonly renewDeadlineMs?: number;
  readonly sleep?: Sleep;
}

/** What a candidate does about a Lease that it has just read. */
export type ElectionStep =
  | { readonly kind: "create" }
  | { readonly kind: "take"; readonly transitions: number }
  | { readonly kind: "renew" }
  | { readonly kind: "wait" };

/** When this process first saw the present renewal, by its own clock. */
export interface Observation {
  readonly renewTime: string | undefined;
  readonly holder: string | undefined;
  readonly sinceMs: number;
}

/** Decides without trusting the clock of others: only how long a renewal has stood unchanged. */
export function electionStep(
  lease: Lease | undefined,
  identity: string,
  observation: Observation,
  leaseDurationMs: number,
  nowMs: number,
): ElectionStep {
  if (lease === undefined) return { kind: "create" };
  const holder = lease.spec?.holderIdentity ?? "";
  if (holder === identity) return { kind: "renew" };
  const transitions = lease.spec?.leaseTransitions ?? 0;
  if (holder === "" || nowMs - observation.sinceMs >= leaseDurationMs) {
    return { kind: "take", transitions: transitions + 1 };
  }
  return { kind: "wait" };
}

/**
 * Runs `leading` while this process holds the Lease, and only then. Losing it stops `leading` and
 * ends the run with an error, so that the process starts afresh. A clean stop gives the Lease up.
 */
export function createLeaderElection(
  client: KubeClient,
  options: ElectionOptions,
  leading: readonly Runnable[],
): Runnable {
  return {
    name: `leader-election ${options.lease.name}`,
    async run(signal) {
      const election = new Election(client, options);
      await election.acquire(signal);
      if (signal.aborted) return;
      options.log.info("Leading", { lease: options.lease.name });
      const keeper: Runnable = { name: "lease-keeper", run: (scope) => election.keep(scope) };
      try {
        await runAll([keeper, ...leading], signal);
      } finally {
        await election.release();
      }
    },
  };
}

class Election {
  readonly #client: KubeClient;
  readonly #options: Required<ElectionOptions>;
  #observation: Observation = { renewTime: undefined, holder: undefined, sinceMs: Date.now() };

  constructor(client: KubeClient, options: ElectionOptions) {
    this.#client = client;
    this.#options = {
      leaseDurationMs: 15_000,
      retryMs: 2_000,
      renewDeadlineMs: 10_000,
      sleep: realSleep,
      ...options,
    };
  }

  async acquire(signal: AbortSignal): Promise<void> {
    const { retryMs, sleep, log } = this.#options;
    while (!signal.aborted) {
      const held = await this.#try(signal).catch((error: unknown) => {
        if (!signal.aborted) log.warn("Cannot compete for lease", { error: describeError(error) });
        return false;
      });
      if (held) return;
      await sleep(retryMs, signal).catch(() => undefined);
    }
  }

  async keep(signal: AbortSignal): Promise<void> {
    const { retryMs, sleep } = this.#options;
    let renewedAtMs = Date.now();
    try {
      for (;;) {
        await sleep(retryMs, signal);
        renewedAtMs = await this.#renew(renewedAtMs, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Answers when it was last renewed; throws once the lease must count as lost. */
  async #renew(renewedAtMs: number, signal: AbortSignal): Promise<number> {
    const { renewDeadlineMs, log } = this.#options;
    try {
      if (await this.#try(signal)) return Date.now();
    } catch (error) {
      if (!isApiError(error) || Date.now() - renewedAtMs > renewDeadlineMs) throw error;
      log.warn("Cannot renew lease yet", { error: describeError(error) });
      return renewedAtMs;
    }
    throw new Error("Lost the lease to another process");
  }

  /** Gives the Lease up, so that another need not wait for it to expire. Best effort. */
  async release(): Promise<void> {
    const { lease, identity } = this.#options;
    const signal = AbortSignal.timeout(2_000);
    try {
      const current = await this.#client.get(leases, lease, signal);
      if (current.spec?.holderIdentity !== identity) return;
      const spec = { ...current.spec, holderIdentity: "", leaseDurationSeconds: 1 };
      await this.#client.replace(leases, { ...current, spec } as Lease, signal);
    } catch {
      // It then expires by itself.
    }
  }

  async #try(signal: AbortSignal): Promise<boolean> {
    const { lease: key, identity, leaseDurationMs } = this.#options;
    const lease = await ignoreNotFound(this.#client.get(leases, key, signal));
    this.#observe(lease);
    const step = electionStep(lease, identity, this.#observation, leaseDurationMs, Date.now());
    if (step.kind === "wait") return false;
    const now = microTime(new Date());
    const spec = {
      ...lease?.spec,
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(leaseDurationMs / 1000),
      renewTime: now,
      ...(step.kind === "renew" ? {} : { acquireTime: now }),
      ...(step.kind === "take" ? { leaseTransitions: step.transitions } : {}),
    };
    try {
      if (lease === undefined)
        await this.#client.create(leases, { metadata: { ...key }, spec } as Lease, signal);
      else await this.#client.replace(leases, { ...lease, spec } as Lease, signal);
      return true;
    } catch (error) {
      // Another candidate wrote first.
      if (isApiError(error, "conflict", "already_exists")) return false;
      throw error;
    }
  }

  #observe(lease: Lease | undefined): void {
    const renewTime = lease?.spec?.renewTime;
    const holder = lease?.spec?.holderIdentity;
    if (renewTime === this.#observation.renewTime && holder === this.#observation.holder) return;
    this.#observation = { renewTime, holder, sinceMs: Date.now() };
  }
}
