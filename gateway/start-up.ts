import type { Front } from "#proxy";
import { sleep } from "#runtime";

export interface StartUpOptions {
  readonly reasonNotStarted: () => string | undefined;
  /** How long it may take to have what is needed. */
  readonly startUpMs?: number | undefined;
}

const lookMs = 25;

/**
 * The same front, which does not listen before there is what it needs. Without that it listens
 * after a while, to say what is missing.
 */
export function listenOnceStarted(
  front: Front,
  { reasonNotStarted, startUpMs = 0 }: StartUpOptions,
): Front {
  return {
    ...front,
    async run(signal) {
      for (let waitedMs = 0; waitedMs < startUpMs; waitedMs += lookMs) {
        if (signal.aborted || reasonNotStarted() === undefined) break;
        await sleep(lookMs, signal).catch(() => undefined);
      }
      await front.run(signal);
    },
  };
}
