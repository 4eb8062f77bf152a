import type { Front } from "#proxy";
import { type Runnable, sleep } from "#runtime";

export interface ServingOptions {
  readonly front: Front;
  /** Aborted once the gateway should get no more requests. */
  readonly winding: AbortController;
  readonly reasonNotStarted: () => string | undefined;
  /** How long it may take, before it listens, to have what it needs. */
  readonly startUpMs?: number | undefined;
  /** How long it goes on serving after it says that it is not ready. */
  readonly lameDuckMs?: number | undefined;
  readonly cleanUp: () => void;
}

const lookMs = 25;

/**
 * Serves. Asked to end, it says first that it is not ready and goes on, until whoever sends
 * requests has heard it.
 */
export function createServing(options: ServingOptions): Runnable {
  const { front, winding, lameDuckMs = 5000, cleanUp } = options;
  return {
    name: front.name,
    async run(signal) {
      const stop = new AbortController();
      signal.addEventListener("abort", () => {
        winding.abort();
        void sleep(lameDuckMs, stop.signal).then(
          () => stop.abort(),
          () => undefined,
        );
      });
      try {
        await untilStarted(options, signal);
        await front.run(stop.signal);
      } finally {
        stop.abort();
        cleanUp();
      }
    },
  };
}

/** Without what it needs it listens after a while, to say what that is. */
async function untilStarted(
  { reasonNotStarted, startUpMs = 0 }: ServingOptions,
  signal: AbortSignal,
): Promise<void> {
  for (let waitedMs = 0; waitedMs < startUpMs; waitedMs += lookMs) {
    if (signal.aborted || reasonNotStarted() === undefined) return;
    await sleep(lookMs, signal).catch(() => undefined);
  }
}
