/** A server that an agent is connected to. */
export interface KnownServer {
  readonly id: string;
  /** It has asked to be left. */
  readonly isDraining: boolean;
  /** The servers that there are, as it has told; `undefined` where it tells no such thing. */
  readonly list: readonly string[] | undefined;
}

/** How an agent finds all servers behind one address. */
export interface SyncState {
  readonly servers: readonly KnownServer[];
  /** How many servers there are by number, where no list says which. */
  readonly serverCount: number;
  readonly isSyncForever: boolean;
}

/** Whether to try another connection now: it may lead to a server that is still missing. */
export function shouldConnect({ servers, serverCount, isSyncForever }: SyncState): boolean {
  const staying = servers.filter(({ isDraining }) => !isDraining);
  if (isSyncForever || serverCount <= 0 || staying.length === 0) return true;
  const listed = listedServers(servers);
  if (listed === undefined) return staying.length < serverCount;
  const connected = new Set(servers.map(({ id }) => id));
  return [...listed].some((id) => !connected.has(id));
}

/**
 * All servers that any of `servers` knows of, for each may lag behind; `undefined` when none has
 * told of any.
 */
export function listedServers(servers: readonly KnownServer[]): ReadonlySet<string> | undefined {
  const lists = servers.flatMap(({ list }) => (list === undefined ? [] : [list]));
  return lists.length === 0 ? undefined : new Set(lists.flat());
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

/** How many intervals looks are apart at most that find only what is known. */
const slowestSearch = 5;

/** The first wait after a failure: most servers that are lost are back at once. */
const firstRetryMs = 100;

/**
 * The waits between rounds: growing while rounds bring nothing, and spread, so that a fleet does not
 * come all at once.
 */
export class SyncDelays {
  readonly #intervals: SyncIntervals;
  readonly #random: () => number;
  #failedMs: number;
  #duplicateMs: number;

  constructor(intervals: SyncIntervals, random: () => number = Math.random) {
    this.#intervals = intervals;
    this.#random = random;
    this.#failedMs = this.#firstMs;
    this.#duplicateMs = intervals.intervalMs;
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
    const later = 1 + 0.1 * this.#random();
    if (outcome === "satisfied") return satisfiedIntervalMs * later;
    if (outcome !== "duplicate") {
      this.#duplicateMs = intervalMs;
      return intervalMs * later;
    }
    // What is looked for may be gone; or about to be there, which is told before it can be reached.
    const delayMs = this.#duplicateMs;
    this.#duplicateMs = Math.min(delayMs * 1.5, intervalMs * slowestSearch);
    return delayMs * later;
  }

  /**
   * Milliseconds to wait once something was heard of servers: one was lost or asks to be left, or
   * there are others. The whole fleet hears it at the same time; who has no server left to serve
   * waits least.
   */
  afterNews(stayingServers: number): number {
    this.#duplicateMs = this.#intervals.intervalMs;
    const spreadMs = stayingServers === 0 ? this.#firstMs : this.#intervals.intervalMs;
    return spreadMs * this.#random();
  }
}
