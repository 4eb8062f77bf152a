import { setTimeout as sleep } from "node:timers/promises";
import { BedError } from "./bed-error.ts";

/** How long to wait, and how often to look. */
export interface WaitOptions {
  /** Defaults to two minutes: a busy machine is slow, and a limit is not a measurement. */
  readonly limitMs?: number;
  /** Defaults to 100 ms. */
  readonly everyMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Looks until `probe` answers something other than `undefined` or `false`, and returns it.
 * A probe that throws counts as "not yet", except for a {@link BedError} with the code `ended`.
 */
export async function waitFor<T>(
  what: string,
  probe: () => Promise<T | undefined | false>,
  { limitMs = 120_000, everyMs = 100, signal }: WaitOptions = {},
): Promise<T> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    signal?.throwIfAborted();
    const { found, cause } = await attempt(probe);
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) {
      throw new BedError("timeout", `Gave up waiting for ${what} after ${limitMs / 1000} s`, {
        cause,
      });
    }
    await sleep(everyMs, undefined, signal === undefined ? {} : { signal });
  }
}

async function attempt<T>(
  probe: () => Promise<T | undefined | false>,
): Promise<{ readonly found?: T | undefined | false; readonly cause?: unknown }> {
  try {
    return { found: await probe() };
  } catch (cause) {
    if (cause instanceof BedError && cause.code === "ended") throw cause;
    return { cause };
  }
}
