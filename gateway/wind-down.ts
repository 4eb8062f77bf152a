import type { Front } from "#proxy";
import { type Runnable, sleep } from "#runtime";

/** What is aborted, one after the other, when a front has to end. */
export interface WindingDown {
  /** It is not ready any more, but goes on serving. */
  readonly winding: AbortController;
  /** Nothing new is taken: whatever would last for ever, such as a watch, should end. */
  readonly draining?: AbortController;
}

/**
 * Runs a front so that it says first that it is not ready, and goes on serving until whoever sends
 * requests has heard it. Then clients of watches come back on a connection to another one.
 */
export function windDown(
  front: Front,
  { winding, draining = new AbortController() }: WindingDown,
  { lameDuckMs = 5000 }: { readonly lameDuckMs?: number | undefined },
  cleanUp: () => void,
): Runnable {
  return {
    name: front.name,
    async run(signal) {
      signal.addEventListener("abort", () => {
        winding.abort();
        void sleep(lameDuckMs, draining.signal).then(
          () => draining.abort(),
          () => undefined,
        );
      });
      try {
        await front.run(draining.signal);
      } finally {
        draining.abort();
        cleanUp();
      }
    },
  };
}
