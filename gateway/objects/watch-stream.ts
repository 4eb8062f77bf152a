import type { ClusterGateway } from "#api";
import type { Exchange } from "#proxy";
import { GatewayError } from "../answers/gateway-error.ts";
import { type Change, isAfter } from "../clusters/change-log.ts";
import type { ClusterStore } from "../clusters/cluster-store.ts";
import { isNewer } from "../clusters/convert.ts";
import type { ListOptions } from "./list-options.ts";
import type { Rendering } from "./rendering.ts";

export interface WatchOptions extends ListOptions {
  readonly rendering: Rendering<ClusterGateway>;
  /** Ends all watches, when the gateway winds down. */
  readonly signal: AbortSignal;
  /** Defaults to one minute. */
  readonly bookmarkIntervalMs?: number;
}

/** Longest watch when the client names none, as API servers have it. */
const defaultTimeoutSeconds = 1800;
/** What a reader may leave unread before it is cut: it can list again. */
const maxUnreadBytes = 4 * 1024 * 1024;

/**
 * Answers with a watch on ClusterGateways: from the given version on, or with all that is there
 * first. Ends at the timeout that the client asked for. Throws a GatewayError `expired` for a
 * version whose changes are forgotten.
 */
export function streamWatch(exchange: Exchange, store: ClusterStore, options: WatchOptions): void {
  const { timeoutSeconds = defaultTimeoutSeconds, signal } = options;
  const start = startOf(options, store);
  const head = { status: 200, headers: ["content-type", "application/json"] };
  const sink = exchange.respond(head, true);
  if (sink === undefined) return;
  const watch = new WatchStream(sink.stream, options, start.version);
  if (start.changes === undefined) watch.sendAll(store.list());
  else for (const change of start.changes) watch.send(change);
  const stop = watch.follow(store);
  const end = () => sink.stream.end();
  const timer = setTimeout(end, Math.max(1, timeoutSeconds) * 1000).unref();
  signal.addEventListener("abort", end, { once: true });
  // A client that comes back before it has heard that this gateway leaves.
  if (signal.aborted) end();
  sink.stream.once("close", () => {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
    stop();
  });
}

interface Start {
  /** What the client knows, or will once it has the first events. */
  readonly version: string;
  /** What to send first; `undefined` for all that is there. */
  readonly changes: readonly Change<ClusterGateway>[] | undefined;
}

function startOf(
  { resourceVersion: from, sendInitialEvents }: WatchOptions,
  store: ClusterStore,
): Start {
  if (from === "" || from === "0" || sendInitialEvents) {
    return { version: store.version(), changes: undefined };
  }
  const changes = store.changes.since(from);
  if (changes !== undefined) return { version: from, changes };
  throw new GatewayError("expired", `too old resource version: ${from} (${store.version()})`);
}

interface Sink {
  readonly writableLength: number;
  readonly writable: boolean;
  write(text: string): boolean;
  destroy(): unknown;
}

class WatchStream {
  readonly #sink: Sink;
  readonly #options: WatchOptions;
  readonly #from: string;

  constructor(sink: Sink, options: WatchOptions, from: string) {
    this.#sink = sink;
    this.#options = options;
    this.#from = from;
  }

  /** All clusters as new ones, then, if the client waits for it, the mark that they were all. */
  sendAll(items: readonly ClusterGateway[]): void {
    for (const item of items) if (this.#isSelected(item)) this.#sendObject("ADDED", item);
    if (!this.#options.sendInitialEvents || !this.#options.allowWatchBookmarks) return;
    this.#bookmark(this.#from, { "k8s.io/initial-events-end": "true" });
  }

  /** A change as it looks to a client that sees only what is selected. */
  send({ type, item, before, resourceVersion }: Change<ClusterGateway>): void {
    const was = before !== undefined && this.#isSelected(before);
    const is = type !== "DELETED" && this.#isSelected(item);
    if (is) this.#sendObject(was ? "MODIFIED" : "ADDED", item);
    if (is || !was) return;
    // A deletion is told with the version at which it happened.
    this.#sendObject("DELETED", { ...before, metadata: { ...before.metadata, resourceVersion } });
  }

  /** Sends what changes from now on, and bookmarks. Returns what ends it. */
  follow(store: ClusterStore): () => void {
    const unsubscribe = store.changes.onAppend((change) => {
      // Another replica, which is ahead, may have told the client of it.
      if (isAfter(change, this.#from)) this.send(change);
    });
    if (!this.#options.allowWatchBookmarks) return unsubscribe;
    const timer = setInterval(() => {
      const version = store.version();
      // A replica that is behind must not lead its client back.
      if (!isNewer(this.#from, version)) this.#bookmark(version);
    }, this.#options.bookmarkIntervalMs ?? 60_000).unref();
    return () => {
      clearInterval(timer);
      unsubscribe();
    };
  }

  #isSelected({ metadata }: ClusterGateway): boolean {
    return this.#options.isSelected(metadata);
  }

  #sendObject(type: Change<unknown>["type"], item: ClusterGateway): void {
    this.#write({ type, object: this.#options.rendering.event(item) });
  }

  #bookmark(resourceVersion: string, annotations?: Readonly<Record<string, string>>): void {
    const metadata = { resourceVersion, ...(annotations === undefined ? {} : { annotations }) };
    this.#write({ type: "BOOKMARK", object: this.#options.rendering.bookmark(metadata) });
  }

  #write(event: unknown): void {
    if (!this.#sink.writable) return;
    this.#sink.write(`${JSON.stringify(event)}\n`);
    if (this.#sink.writableLength > maxUnreadBytes) this.#sink.destroy();
  }
}
