import type { IncomingMessage } from "node:http";
import { PassThrough } from "node:stream";
import type { KubeObject } from "#api";
import type { KubeClient, ListResult } from "#kube";

/** One watch that a {@link ScriptedClient} was asked for. The test writes what the server says. */
export interface ScriptedWatch {
  /** From where it was to be continued. */
  readonly resourceVersion: string;
  /** Sends one event. */
  tell(type: string, object: unknown): void;
  /** Sends raw bytes. */
  write(bytes: string | Buffer): void;
  /** Ends as servers end watches: cleanly. */
  end(): void;
  /** Ends as networks end watches. */
  fail(error: Error): void;
}

/** What the next list or watch is to be: an answer, or an error to throw. */
export type ScriptedList = ListResult<KubeObject> | Error;

/**
 * Stands for an API server whose lists are scripted and whose watches a test plays by hand. All
 * other requests are refused: a test that needs them wants a real server.
 */
export class ScriptedClient {
  /** Lists to come, in this order; the last one is repeated. */
  readonly lists: ScriptedList[] = [];
  /** Errors with which the next watches are refused. */
  readonly refusals: Error[] = [];
  readonly watches: ScriptedWatch[] = [];
  listCount = 0;
  #waiting: (() => void)[] = [];

  /** As the parts under test want it. */
  get client(): KubeClient {
    const refuse = () => Promise.reject(new Error("This request is not scripted"));
    const client: Partial<KubeClient> = {
      list: async () => {
        this.listCount += 1;
        const next = this.lists.length > 1 ? this.lists.shift() : this.lists[0];
        if (next === undefined || next instanceof Error) throw next ?? new Error("No list");
        return next as ListResult<never>;
      },
      watch: async (_type, { resourceVersion }, signal) => {
        const refusal = this.refusals.shift();
        if (refusal !== undefined) throw refusal;
        return this.#open(resourceVersion, signal);
      },
      get: refuse,
      create: refuse,
      replace: refuse,
      mergePatch: refuse,
      apply: refuse,
      delete: refuse,
    };
    return client as KubeClient;
  }

  /** The `n`th watch, counted from 0, once it has been asked for. */
  async watch(n: number): Promise<ScriptedWatch> {
    for (;;) {
      const watch = this.watches[n];
      if (watch !== undefined) return watch;
      await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    }
  }

  #open(resourceVersion: string, signal: AbortSignal): IncomingMessage {
    const stream = new PassThrough();
    signal.addEventListener("abort", () => stream.destroy(new Error("aborted")));
    this.watches.push({
      resourceVersion,
      tell: (type, object) => void stream.write(`${JSON.stringify({ type, object })}\n`),
      write: (bytes) => void stream.write(bytes),
      end: () => void stream.end(),
      fail: (error) => void stream.destroy(error),
    });
    for (const resolve of this.#waiting.splice(0)) resolve();
    return stream as unknown as IncomingMessage;
  }
}
