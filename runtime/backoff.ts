import type { Sleep } from "./abort.ts";

export interface BackoffOptions {
  readonly minMs: number;
  readonly maxMs: number;
  /** Share of each delay that is random, from 0 (none) to 1 (all of it). */
  readonly jitter: number;
}

/** The delays to wait between tries, without end: doubling from `minMs`, never above `maxMs`. */
export function* backoffDelays(
  { minMs, maxMs, jitter }: BackoffOptions,
  random: () => number = Math.random,
): Generator<number, never> {
  for (let baseMs = minMs; ; baseMs = Math.min(baseMs * 2, maxMs)) {
    yield baseMs * (1 - jitter * random());
  }
}

/** Tries until it works, the signal aborts, or the error is not worth another try. */
export async function retry<T>(
  attempt: (signal: AbortSignal) => Promise<T>,
  delays: Iterator<number, never>,
  isRetriable: (error: unknown) => boolean,
  sleep: Sleep,
  signal: AbortSignal,
): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await attempt(signal);
    } catch (error) {
      if (!isRetriable(error)) throw error;
      await sleep(delays.next().value, signal);
    }
  }
}
