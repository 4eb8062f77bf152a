/** The first pause after a revocation, and the longest. */
const firstPauseMs = 500;
const longestPauseMs = 10_000;

/**
 * How soon what an agent has written again is taken away again. An agent that has lost its addon keeps
 * its rights for a moment; against one that keeps them for longer, neither side is to wear the hub out.
 */
export class RevocationPace {
  readonly #taken = new Map<string, { readonly atMs: number; readonly pauseMs: number }>();

  /** How long to leave the account alone; 0 when there is nothing to wait for. */
  waitMs(key: string, nowMs: number): number {
    const last = this.#taken.get(key);
    return last === undefined ? 0 : Math.max(last.atMs + last.pauseMs - nowMs, 0);
  }

  /** Something was taken from the account: the next pause is twice as long. */
  revoked(key: string, nowMs: number): void {
    const last = this.#taken.get(key);
    const pauseMs = last === undefined ? firstPauseMs : Math.min(last.pauseMs * 2, longestPauseMs);
    this.#taken.set(key, { atMs: nowMs, pauseMs });
  }

  /** The account is gone, or its cluster has the addon again. */
  forget(key: string): void {
    this.#taken.delete(key);
  }
}
