/** How an agent finds all servers behind one address. */
export interface SyncState {
  readonly connected: number;
  /** How many servers there are, as far as known. */
  readonly serverCount: number;
  readonly isSyncForever: boolean;
}

/** Whether to try another connection now: it may lead to a server that is still missing. */
export function shouldConnect({ connected, serverCount, isSyncForever }: SyncState): boolean {
  return isSyncForever || serverCount <= 0 || connected < serverCount;
}

/** Where the number of servers comes from: `--server-count-source`. */
export type ServerCountSource = "default" | "max";

export interface ServerCounts {
  /** What the last new server said. */
  readonly fromServers: number;
  /** What the Leases say, where they are counted. */
  readonly fromLeases: number | undefined;
}

/** The number of servers to connect to, at least 1. */
export function serverCount(source: ServerCountSource, counts: ServerCounts): number {
  const { fromServers, fromLeases } = counts;
  if (fromLeases === undefined) return Math.max(1, fromServers);
  return Math.max(1, source === "max" ? Math.max(fromServers, fromLeases) : fromLeases);
}

export interface SyncIntervals {
  readonly intervalMs: number;
  readonly intervalCapMs: number;
  /** Wait with `isSyncForever` once all known servers are connected. */
  readonly satisfiedIntervalMs: number;
}

/** How a round of the sync loop went. */
export type SyncOutcome = "connected" | "duplicate" | "complete" | "satisfied" | "failed";

/** The first wait after a failure: most servers that are lost are back at once. */
const firstRetryMs = 100;

/**
 * The waits between rounds: growing while rounds fail, and spread, so that a fleet does not come
 * all at once.
 */
export class SyncDelays {
  readonly #intervals: SyncIntervals;
  readonly #random: () => number;
  #failedMs: number;

  constructor(intervals: SyncIntervals, random: () => number = Math.random) {
    this.#intervals = intervals;
    this.#random = random;
    this.#failedMs = this.#firstMs;
  }

  get #firstMs(): number {
    return Math.min(firstRetryMs, this.#intervals.intervalMs);
  }

  /** Milliseconds to wait after a round. */
  after(outcome: SyncOutcome): number {
    const { intervalMs, intervalCapMs, satisfiedIntervalMs } = this.#intervals;
    if (outcome === "failed") {
      const delayMs = this.#failedMs;
      this.#failedMs = Math.min(delayMs * 1.5, intervalCapMs);
      return delayMs * (1 - 0.5 * this.#random());
    }
    this.#failedMs = this.#firstMs;
    const delayMs = outcome === "satisfied" ? satisfiedIntervalMs : intervalMs;
    return delayMs * (1 + 0.1 * this.#random());
  }
}
