import type { KubeObject } from "#api";
import { describeError, isAbortError, type Logger, type Runnable, TerminalError } from "#runtime";
import { isApiError } from "./api-error.ts";
import type { CacheChange, ObjectCache } from "./object-cache.ts";
import type { Reconciler } from "./reconciler.ts";
import { WorkQueue } from "./work-queue.ts";

/** Tells which keys to look at again after something changed. */
export interface Trigger {
  /** Starts to tell; returns how to stop. */
  subscribe(enqueue: (key: string) => void): () => void;
  /** Resolves once all that exists at start has been told. */
  waitForSync(signal: AbortSignal): Promise<void>;
}

/** A trigger from a cache: each change is mapped to keys, by default the object's own. */
export function onCacheChange<T extends KubeObject>(
  cache: ObjectCache<T>,
  keysOf: (change: CacheChange<T>) => readonly string[] = ({ key }) => [key],
): Trigger {
  return {
    subscribe(enqueue) {
      const stop = cache.onChange((change) => {
        for (const key of keysOf(change)) enqueue(key);
      });
      for (const object of cache.list()) {
        const { name, namespace } = object.metadata;
        const key = namespace === undefined ? name : `${namespace}/${name}`;
        for (const mapped of keysOf({ key, before: undefined, after: object })) enqueue(mapped);
      }
      return stop;
    },
    waitForSync: (signal) => cache.waitForSync(signal),
  };
}

export interface ControllerOptions {
  readonly reconciler: Reconciler<string>;
  readonly triggers: readonly Trigger[];
  readonly log: Logger;
  /** How many keys are worked on at once. Defaults to 4. */
  readonly workers?: number;
  /** First and longest wait after failures. Default to 200 ms and 60 s. */
  readonly minBackoffMs?: number;
  readonly maxBackoffMs?: number;
}

/**
 * Runs one reconciler over the keys that its triggers tell. Starts working once all of them are
 * synced; when asked to stop, finishes the keys that are being worked on.
 */
export function createController(options: ControllerOptions): Runnable {
  return { name: options.reconciler.name, run: (signal) => new Loop(options).run(signal) };
}

class Loop {
  readonly #options: ControllerOptions;
  readonly #queue = new WorkQueue();
  readonly #log: Logger;
  readonly #running = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #wake: () => void = () => undefined;

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#log = options.log.with({ controller: options.reconciler.name });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { triggers } = this.#options;
    const stops = triggers.map((trigger) => trigger.subscribe((key) => this.#enqueue(key, 0)));
    const onAbort = (): void => this.#wake();
    signal.addEventListener("abort", onAbort);
    try {
      await Promise.all(triggers.map((trigger) => trigger.waitForSync(signal)));
      while (!signal.aborted) {
        this.#startDue(signal);
        await this.#pause(signal);
      }
    } catch (error) {
      if (!isAbortError(error, signal)) throw error;
    } finally {
      signal.removeEventListener("abort", onAbort);
      for (const stop of stops) stop();
      clearTimeout(this.#timer);
      await Promise.allSettled(this.#running);
    }
  }

  #enqueue(key: string, afterMs: number): void {
    this.#queue.add(key, Date.now() + afterMs);
    this.#wake();
  }

  #startDue(signal: AbortSignal): void {
    const { workers = 4 } = this.#options;
    while (this.#running.size < workers) {
      const key = this.#queue.take(Date.now());
      if (key === undefined) return;
      const work = this.#work(key, signal).finally(() => {
        this.#running.delete(work);
        this.#queue.done(key);
        this.#wake();
      });
      this.#running.add(work);
    }
  }

  async #pause(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { workers = 4 } = this.#options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const due = this.#running.size < workers ? this.#queue.nextDueMs() : undefined;
    if (due !== undefined) {
      this.#timer = setTimeout(resolve, Math.min(Math.max(due - Date.now(), 0), 2 ** 31 - 1));
    }
    await promise;
    clearTimeout(this.#timer);
  }

  async #work(key: string, signal: AbortSignal): Promise<void> {
    try {
      const outcome = await this.#options.reconciler.reconcile(key, signal);
      this.#queue.succeed(key);
      if (outcome.kind === "recheck") this.#enqueue(key, outcome.afterMs);
    } catch (error) {
      if (signal.aborted) return;
      this.#handle(key, error);
    }
  }

  #handle(key: string, error: unknown): void {
    if (error instanceof TerminalError) {
      this.#log.error("Cannot reconcile until the object changes", {
        key,
        error: describeError(error),
      });
      return;
    }
    const { minBackoffMs = 200, maxBackoffMs = 60_000 } = this.#options;
    const failures = this.#queue.fail(key);
    const afterMs = Math.min(minBackoffMs * 2 ** (failures - 1), maxBackoffMs);
    // Two writers met: the next look settles it, and nobody needs to hear of it.
    const isRace = isApiError(error, "conflict", "already_exists") && failures < 5;
    this.#log[isRace ? "debug" : "error"]("Reconcile failed, trying again", {
      key,
      afterMs,
      failures,
      error: describeError(error),
    });
    this.#enqueue(key, afterMs);
  }
}
