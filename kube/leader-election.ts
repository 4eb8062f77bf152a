import { type Lease, leases } from "#api";
import {
  describeError,
  isAborted,
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
  /** A clock that is never set back. Defaults to the process's own. */
  readonly nowMs?: () => number;
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
  if (holder === "" || nowMs - observation.sinceMs >= promisedMs(lease, leaseDurationMs)) {
    return { kind: "take", transitions: transitions + 1 };
  }
  return { kind: "wait" };
}

/** The holder's own promise counts, which another program may have made a longer one. */
function promisedMs({ spec }: Lease, leaseDurationMs: number): number {
  const seconds = spec?.leaseDurationSeconds;
  return seconds === undefined ? leaseDurationMs : seconds * 1000;
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
      if (!(await election.acquire(signal))) return;
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

/** True for what may be better at the next try: silence, overload, a clash of writers. */
function isPassing(error: unknown): boolean {
  return isApiError(error) || (error instanceof Error && error.name === "TimeoutError");
}

class Election {
  readonly #client: KubeClient;
  readonly #options: Required<ElectionOptions>;
  readonly #now: () => number;
  #observation: Observation;

  constructor(client: KubeClient, options: ElectionOptions) {
    this.#client = client;
    this.#options = {
      leaseDurationMs: 15_000,
      retryMs: 2_000,
      renewDeadlineMs: 10_000,
      sleep: realSleep,
      nowMs: () => performance.now(),
      ...options,
    };
    this.#now = this.#options.nowMs;
    this.#observation = { renewTime: undefined, holder: undefined, sinceMs: this.#now() };
  }

  /** Tries until the Lease is held; false when asked to stop before. */
  async acquire(signal: AbortSignal): Promise<boolean> {
    const { retryMs, renewDeadlineMs, sleep, log } = this.#options;
    while (!signal.aborted) {
      const result = await this.#try(renewDeadlineMs, signal).catch((error: unknown) => {
        if (!isAborted(signal)) {
          log.warn("Cannot compete for lease", { error: describeError(error) });
        }
        return "raced" as const;
      });
      if (result === "held") return true;
      await sleep(retryMs, signal).catch(() => undefined);
    }
    return false;
  }

  /** Renews until asked to stop. Throws once the lease must count as lost. */
  async keep(signal: AbortSignal): Promise<void> {
    const { retryMs, renewDeadlineMs, sleep } = this.#options;
    let deadlineMs = this.#now() + renewDeadlineMs;
    while (!signal.aborted) {
      await sleep(retryMs, signal).catch(() => undefined);
      if (isAborted(signal)) return;
      const nextDeadlineMs = this.#now() + renewDeadlineMs;
      if (await this.#renew(deadlineMs, signal)) deadlineMs = nextDeadlineMs;
    }
  }

  /** Answers whether it was renewed; throws when it is lost, or the deadline has passed. */
  async #renew(deadlineMs: number, signal: AbortSignal): Promise<boolean> {
    const fault = await this.#tryUntil(deadlineMs, signal);
    if (fault === undefined || isAborted(signal)) return fault === undefined;
    if (this.#now() >= deadlineMs) {
      throw new Error("Could not renew the lease in time", { cause: fault });
    }
    this.#options.log.warn("Cannot renew lease yet", { error: describeError(fault) });
    return false;
  }

  /** Answers what may be better at the next try, or undefined when it was renewed. */
  async #tryUntil(deadlineMs: number, signal: AbortSignal): Promise<unknown> {
    try {
      const result = await this.#try(Math.max(Math.ceil(deadlineMs - this.#now()), 1), signal);
      if (result === "held") return undefined;
      if (result === "raced") return new Error("Somebody else wrote it at the same time");
    } catch (error) {
      if (isAborted(signal) || isPassing(error)) return error;
      throw error;
    }
    throw new Error("Another process holds the lease");
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

  /** `raced` when another wrote between our look and our write, whoever that was. */
  async #try(timeoutMs: number, outer: AbortSignal): Promise<"held" | "lost" | "raced"> {
    const { lease: key, identity, leaseDurationMs } = this.#options;
    const signal = AbortSignal.any([outer, AbortSignal.timeout(Math.ceil(timeoutMs))]);
    const lease = await ignoreNotFound(this.#client.get(leases, key, signal));
    this.#observe(lease);
    const step = electionStep(lease, identity, this.#observation, leaseDurationMs, this.#now());
    if (step.kind === "wait") return "lost";
    try {
      await this.#write(lease, step, signal);
      return "held";
    } catch (error) {
      if (isApiError(error, "conflict", "already_exists")) return "raced";
      throw error;
    }
  }

  async #write(lease: Lease | undefined, step: ElectionStep, signal: AbortSignal): Promise<void> {
    const { lease: key, identity, leaseDurationMs } = this.#options;
    const now = microTime(new Date());
    const spec = {
      ...lease?.spec,
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(leaseDurationMs / 1000),
      renewTime: now,
      ...(step.kind === "renew" ? {} : { acquireTime: now }),
      ...(step.kind === "take" ? { leaseTransitions: step.transitions } : {}),
    };
    if (lease === undefined) {
      await this.#client.create(leases, { metadata: { ...key }, spec } as Lease, signal);
    } else await this.#client.replace(leases, { ...lease, spec } as Lease, signal);
  }

  #observe(lease: Lease | undefined): void {
    const renewTime = lease?.spec?.renewTime;
    const holder = lease?.spec?.holderIdentity;
    if (renewTime === this.#observation.renewTime && holder === this.#observation.holder) return;
    this.#observation = { renewTime, holder, sinceMs: this.#now() };
  }
}
