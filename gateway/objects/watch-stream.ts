import { apiVersionOf, type ClusterGateway, clusterGateways, type ObjectMeta } from "#api";
import type { Exchange } from "#proxy";
import { GatewayError } from "../answers/gateway-error.ts";
import type { Change } from "../clusters/change-log.ts";
import type { Cluster } from "../clusters/cluster.ts";
import type { ClusterStore } from "../clusters/cluster-store.ts";
import { clusterGatewayOf } from "./cluster-gateway.ts";
import type { Rendering } from "./rendering.ts";

export interface WatchOptions {
  readonly rendering: Rendering<ClusterGateway>;
  readonly isSelected: (metadata: ObjectMeta) => boolean;
  readonly query: URLSearchParams;
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
  const { query, signal } = options;
  const start = startOf(query, store);
  const head = { status: 200, headers: ["content-type", "application/json"] };
  const sink = exchange.respond(head, true);
  if (sink === undefined) return;
  const watch = new WatchStream(sink.stream, options);
  if (start === undefined) watch.sendAll(store.list(), store.version());
  else for (const change of start) watch.send(change);
  const stop = watch.follow(store);
  const timeoutSeconds = Number(query.get("timeoutSeconds") ?? defaultTimeoutSeconds);
  const timer = setTimeout(() => sink.stream.end(), Math.max(1, timeoutSeconds) * 1000).unref();
  const end = () => sink.stream.end();
  signal.addEventListener("abort", end, { once: true });
  sink.stream.once("close", () => {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
    stop();
  });
}

/** What to send first, or `undefined` for all that is there. */
function startOf(
  query: URLSearchParams,
  { changes }: ClusterStore,
): readonly Change<Cluster>[] | undefined {
  const from = query.get("resourceVersion") ?? "";
  if (from === "" || from === "0" || query.get("sendInitialEvents") === "true") return undefined;
  const start = changes.since(from);
  if (start !== undefined) return start;
  throw new GatewayError("expired", `resourceVersion ${from} is too old: list again`);
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

  constructor(sink: Sink, options: WatchOptions) {
    this.#sink = sink;
    this.#options = options;
  }

  /** All clusters as new ones, then, if the client waits for it, the mark that they were all. */
  sendAll(clusters: readonly Cluster[], resourceVersion: string): void {
    for (const item of clusters) this.send({ type: "ADDED", item, resourceVersion });
    if (this.#options.query.get("sendInitialEvents") === "true") {
      this.#bookmark(resourceVersion, { "k8s.io/initial-events-end": "true" });
    }
  }

  send({ type, item, resourceVersion }: Change<Cluster>): void {
    const shown = clusterGatewayOf(item);
    if (!this.#options.isSelected(shown.metadata)) return;
    // A deletion is told with the version at which it happened.
    const object =
      type === "DELETED" ? { ...shown, metadata: { ...shown.metadata, resourceVersion } } : shown;
    this.#write({ type, object: this.#options.rendering.one(object) });
  }

  /** Sends what changes from now on, and bookmarks. Returns what ends it. */
  follow(store: ClusterStore): () => void {
    const unsubscribe = store.changes.onAppend((change) => this.send(change));
    if (this.#options.query.get("allowWatchBookmarks") !== "true") return unsubscribe;
    const timer = setInterval(
      () => this.#bookmark(store.version()),
      this.#options.bookmarkIntervalMs ?? 60_000,
    ).unref();
    return () => {
      clearInterval(timer);
      unsubscribe();
    };
  }

  #bookmark(resourceVersion: string, annotations?: Readonly<Record<string, string>>): void {
    const object = {
      apiVersion: apiVersionOf(clusterGateways),
      kind: clusterGateways.kind,
      metadata: { resourceVersion, ...(annotations === undefined ? {} : { annotations }) },
    };
    this.#write({ type: "BOOKMARK", object });
  }

  #write(event: unknown): void {
    if (!this.#sink.writable) return;
    this.#sink.write(`${JSON.stringify(event)}\n`);
    if (this.#sink.writableLength > maxUnreadBytes) this.#sink.destroy();
  }
}
