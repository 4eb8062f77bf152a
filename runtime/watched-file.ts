import { readFile } from "node:fs/promises";
import { isAbortError, sleep } from "./abort.ts";
import type { Runnable } from "./runnable.ts";

export interface WatchedFiles extends Runnable {
  /** The contents at the last look, in the order of the paths; empty before {@link load}. */
  readonly contents: readonly Buffer[];
  /** Reads them now. Throws when one cannot be read. */
  load(): Promise<readonly Buffer[]>;
  /** Calls back after each change, once all files could be read. Returns the unsubscriber. */
  onChange(listener: (contents: readonly Buffer[]) => void): () => void;
}

export interface WatchOptions {
  /** How often the files are looked at. Defaults to 10 seconds. */
  readonly intervalMs?: number;
  /** Told of each look, before what it changed: why the files could not be read, if so. */
  readonly onLook?: (failure: Error | undefined) => void;
}

/**
 * Files that a kubelet replaces while we run: certificates, tokens, kubeconfigs.
 *
 * Read by polling, because mounted Secrets change by a symlink swap two levels up, which file
 * notification reports unreliably. A file that is missing for a moment keeps its last content.
 */
export function watchFiles(
  paths: readonly string[],
  { intervalMs = 10_000, onLook }: WatchOptions = {},
): WatchedFiles {
  const listeners = new Set<(contents: readonly Buffer[]) => void>();
  let contents: readonly Buffer[] = [];
  const read = () => Promise.all(paths.map((path) => readFile(path)));
  const look = async (signal: AbortSignal): Promise<readonly Buffer[]> => {
    try {
      const next = await read();
      onLook?.(undefined);
      return next;
    } catch (error) {
      if (isAbortError(error, signal)) throw error;
      onLook?.(error as Error);
      return contents;
    }
  };
  return {
    name: "watched-files",
    get contents() {
      return contents;
    },
    async load() {
      contents = await read();
      return contents;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async run(signal) {
      while (!signal.aborted) {
        await sleep(intervalMs, signal);
        const next = await look(signal);
        if (isSame(contents, next)) continue;
        contents = next;
        for (const listener of listeners) listener(next);
      }
    },
  };
}

function isSame(a: readonly Buffer[], b: readonly Buffer[]): boolean {
  return a.length === b.length && a.every((buffer, index) => b[index]?.equals(buffer) === true);
}
