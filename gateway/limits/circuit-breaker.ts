/** What a breaker says about the next request. */
export type Verdict =
  | { readonly kind: "pass"; readonly attempt: Attempt }
  | { readonly kind: "refuse"; readonly retryInMs: number; readonly because: string };

/** One request that passed; call one of the three once. What comes after the first is not heard. */
export interface Attempt {
  /** True for the one request that finds out whether the cluster is back. */
  readonly isProbe: boolean;
  /** The cluster answered, whatever it said. */
  succeeded(): void;
  /** The cluster could not be reached, or did not answer in time. */
  failed(because: string): void;
  /** It ended without telling anything, e.g. because its client left. */
  abandoned(): void;
}

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
  /** Closes it, whatever is under way: the cluster is another now. */
  reset(): void;
  readonly state: "closed" | "open" | "half-open";
}

/** Makes a closed one. */
export function createCircuitBreaker(options: BreakerOptions = {}): CircuitBreaker {
  return new Breaker(options);
}

class Breaker implements CircuitBreaker {
  readonly #threshold: number;
  readonly #openMs: number;
  readonly #maxOpenMs: number;
  readonly #now: () => number;
  #failures = 0;
  #reason = "";
  #pauseMs: number;
  #openUntil: number | undefined;
  /** The one that may find out; others that are under way began before and know nothing new. */
  #probe: Attempt | undefined;

  constructor({
    threshold = 5,
    openMs = 1000,
    maxOpenMs = 30_000,
    now = () => performance.now(),
  }: BreakerOptions) {
    this.#threshold = threshold;
    this.#openMs = openMs;
    this.#maxOpenMs = maxOpenMs;
    this.#now = now;
    this.#pauseMs = openMs;
  }

  get state(): CircuitBreaker["state"] {
    if (this.#openUntil === undefined) return "closed";
    return this.#probe !== undefined || this.#now() >= this.#openUntil ? "half-open" : "open";
  }

  ask(): Verdict {
    if (this.#openUntil === undefined) return { kind: "pass", attempt: this.#attempt(false) };
    const leftMs = this.#openUntil - this.#now();
    if (leftMs > 0 || this.#probe !== undefined) {
      return { kind: "refuse", retryInMs: Math.max(leftMs, 0), because: this.#reason };
    }
    this.#probe = this.#attempt(true);
    return { kind: "pass", attempt: this.#probe };
  }

  reset(): void {
    this.#failures = 0;
    this.#pauseMs = this.#openMs;
    this.#openUntil = undefined;
    this.#probe = undefined;
  }

  #attempt(isProbe: boolean): Attempt {
    let isOver = false;
    const once = (tell: () => void): void => {
      if (isOver) return;
      isOver = true;
      tell();
    };
    const attempt: Attempt = {
      isProbe,
      // An answer is one, also to a request that began before it opened.
      succeeded: () => once(() => this.reset()),
      failed: (because) => once(() => this.#failed(because, attempt)),
      abandoned: () => once(() => this.#release(attempt)),
    };
    return attempt;
  }

  #failed(because: string, attempt: Attempt): void {
    this.#failures += 1;
    // Requests that were under way when it opened must not keep it open for longer.
    const opens =
      this.#openUntil === undefined ? this.#failures >= this.#threshold : this.#probe === attempt;
    if (!opens) return;
    this.#reason = because;
    this.#openUntil = this.#now() + this.#pauseMs;
    this.#pauseMs = Math.min(this.#pauseMs * 2, this.#maxOpenMs);
    this.#probe = undefined;
  }

  #release(attempt: Attempt): void {
    if (this.#probe === attempt) this.#probe = undefined;
  }
}
