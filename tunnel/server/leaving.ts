import { once } from "node:events";
import { outlive, type Runnable, sleep } from "#runtime";

export interface LeavingParts {
  /** How long what is open may go on. 0 ends everything at once. */
  readonly graceMs: number;
  /** Asks everybody to go elsewhere. */
  readonly announce: () => void;
  /** Ends when it has let what is open end, or has waited for it long enough. */
  readonly frontends: Runnable;
  readonly agents: Runnable;
  readonly sleep?: typeof sleep;
}

/**
 * How long dials are still taken once everybody has been asked to go: agents need a moment to
 * connect elsewhere, and a frontend that knows of no other server until then has only this one.
 */
export function noticeMs(graceMs: number): number {
  return Math.min(2000, graceMs / 2);
}

/**
 * Runs the doors of a tunnel server. At its end it first asks everybody to go elsewhere, then takes
 * no new dials and lets connections end, and lets go of the agents last.
 */
export function leaveInOrder(name: string, parts: LeavingParts): Runnable {
  const { frontends, agents, graceMs, announce, sleep: wait = sleep } = parts;
  const main: Runnable = {
    name,
    async run(signal) {
      const stop = new AbortController();
      const ended = frontends.run(stop.signal);
      try {
        await Promise.race([ended, aborted(signal)]);
        if (graceMs > 0 && signal.aborted) {
          announce();
          await Promise.race([ended, wait(noticeMs(graceMs), stop.signal)]);
        }
      } finally {
        stop.abort();
        await ended;
      }
    },
  };
  return outlive([agents], main);
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}
