/** What a breaker says about the next request. */
export type Verdict =
  /** Go on; `isProbe` for the one request that finds out whether the cluster is back. */
  | { readonly kind: "pass"; readonly isProbe: boolean }
  | { readonly kind: "refuse"; readonly retryInMs: number; readonly because: string };

export interface BreakerOptions {
  /** Failures in a row that open it. Defaults to 5. */
  readonly threshold?: number;
  /** How long it stays open at first; doubles with every probe that fails. Defaults to 1 second. */
  readonly openMs?: number;
  /** Defaults to 30 seconds. */
  readonly maxOpenMs?: number;
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number;
}

/**
 * Keeps requests from piling up on a cluster that does not answer. Closed, everything passes. After
 * some failures in a row it opens and refuses at once; after a while it lets one request through,
 * whose outcome closes it or keeps it open for longer.
 */
export interface CircuitBreaker {
  ask(): Verdict;
  /** The cluster answered, whatever it said. */
  succeeded(): void;
  /** The cluster could not be reached, or did not answer in time. */
  failed(because: string): void;
  /** A request that passed ended without telling anything, e.g. because its client left. */
  abandoned(): void;
  readonly state: "closed" | "open" | "half-open";
}

/** Makes a closed one. */
export function createCircuitBreaker({
  threshold = 5,
  openMs = 1000,
  maxOpenMs = 30_000,
  now = () => performance.now(),
}: BreakerOptions = {}): CircuitBreaker {
  let failures = 0;
  let reason = "";
  let pauseMs = openMs;
  let openUntil: number | undefined;
  let isProbing = false;
  const open = (because: string): void => {
    reason = because;
    openUntil = now() + pauseMs;
    pauseMs = Math.min(pauseMs * 2, maxOpenMs);
    isProbing = false;
  };
  return {
    get state() {
      if (openUntil === undefined) return "closed";
      return isProbing || now() >= openUntil ? "half-open" : "open";
    },
    ask() {
      if (openUntil === undefined) return { kind: "pass", isProbe: false };
      const leftMs = openUntil - now();
      if (leftMs > 0 || isProbing) {
        return { kind: "refuse", retryInMs: Math.max(leftMs, 0), because: reason };
      }
      isProbing = true;
      return { kind: "pass", isProbe: true };
    },
    succeeded() {
      failures = 0;
      pauseMs = openMs;
      openUntil = undefined;
      isProbing = false;
    },
    failed(because) {
      failures += 1;
      // Requests that were under way when it opened must not keep it open for longer.
      if (openUntil === undefined ? failures >= threshold : isProbing) open(because);
    },
    abandoned() {
      isProbing = false;
    },
  };
}
