import { runAll } from "./run-all.ts";
import type { Runnable } from "./runnable.ts";

/**
 * `main`, with `support` around it: what supports it ends only after it, so that its last work can
 * still use it. If the support fails, `main` is asked to end, and the failure is thrown.
 */
export function outlive(support: readonly Runnable[], main: Runnable): Runnable {
  return {
    name: main.name,
    async run(signal) {
      const stopSupport = new AbortController();
      const failed = new AbortController();
      const supporting = runAll(support, stopSupport.signal).catch((error: unknown) => {
        failed.abort();
        throw error;
      });
      try {
        await main.run(AbortSignal.any([signal, failed.signal]));
      } finally {
        stopSupport.abort();
        await supporting;
      }
    },
  };
}
