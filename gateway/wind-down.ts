import type { Front } from "#proxy";
import { type Runnable, sleep } from "#runtime";

/**
 * Runs a front so that it says first that it is not ready, by aborting `winding`, and goes on
 * serving until whoever sends requests has heard it.
 */
export function windDown(
  front: Front,
  winding: AbortController,
  { lameDuckMs = 5000 }: { readonly lameDuckMs?: number | undefined },
  cleanUp: () => void,
): Runnable {
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
        await front.run(stop.signal);
      } finally {
        stop.abort();
        cleanUp();
      }
    },
  };
}
