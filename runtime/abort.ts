import { setTimeout as delay } from "node:timers/promises";

/** Waits; rejects with the reason of `signal` when that aborts first. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

/** The real {@link Sleep}. Its timer never keeps a process alive that is asked to end. */
export const sleep: Sleep = async (ms, signal) => {
  await delay(ms, undefined, { signal });
};

/** Asks afresh, where the compiler still believes an earlier answer. */
export function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

/** True for the error that an aborted wait or request throws, whoever made it. */
export function isAbortError(error: unknown, signal?: AbortSignal): boolean {
  if (signal?.aborted === true && error === signal.reason) return true;
  return error instanceof Error && error.name === "AbortError";
}
