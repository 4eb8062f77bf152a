/**
 * Something with a lifetime. `run` resolves or rejects only when all it started has ended: no
 * timer, socket or promise outlives it. When `signal` aborts it winds down and returns.
 */
export interface Runnable {
  readonly name: string;
  run(signal: AbortSignal): Promise<void>;
}
