import { type Client, connectivityState } from "@grpc/grpc-js";
import type { Logger, Runnable } from "#runtime";
import { openChannel } from "../rpc/channel.ts";
import { openRawProxy } from "../rpc/raw-openings.ts";
import { proxyService } from "../rpc/services.ts";
import type { TlsSource } from "../tls-source.ts";
import { TunnelError } from "../tunnel-error.ts";
import type { DialRequest } from "../wire/packet.ts";
import { texts } from "../wire/texts.ts";
import { Greeting, type ServerNews } from "./greeting.ts";
import { Holdings } from "./holdings.ts";
import type { ServerState } from "./order-servers.ts";
import type { ProxyStream, TunnelConnection } from "./tunnel-connection.ts";

export interface ServerChannelOptions {
  /** `host:port` */
  readonly address: string;
  readonly serverName: string;
  readonly tls: TlsSource;
  readonly keepaliveTimeMs: number;
  /** Its connection, or what it has said of itself, has changed. */
  readonly onChange: () => void;
  readonly log: Logger;
}

const keepaliveTimeoutMs = 10_000;
const maxReconnectDelayMs = 500;
/** How long a server that is not connected may be one that will be. */
const pendingMs = 3000;
/** How often a channel is looked at again, while it is not connected and while it is. */
const checkIntervalMs = 200;
const readyCheckIntervalMs = 5000;

/**
 * How long a client goes on that was replaced. Its session refuses what it has not sent yet when it
 * closes, and dials that have just begun may be that.
 */
const retireAfterMs = 5000;

/** The one channel to one tunnel server. `run` keeps it connected and follows the certificates. */
export class ServerChannel implements Runnable {
  readonly name = "server-channel";
  readonly address: string;
  readonly #options: ServerChannelOptions;
  #client: Client;
  #greeting: Greeting;
  readonly #retired = new Set<() => void>();
  readonly #holdings = new Holdings();
  readonly #connections = new Map<TunnelConnection, string>();
  #unreadySinceMs = performance.now();

  constructor(options: ServerChannelOptions) {
    this.address = options.address;
    this.#options = options;
    this.#client = this.#open();
    this.#greeting = this.#greet(this.#client);
  }

  /** What a dial of the host can expect; `isHinted` when the last one went this way. */
  stateFor(host: string, isHinted: boolean): ServerState {
    const { isReady } = this;
    return {
      isHinted,
      isReady,
      isPending: !isReady && performance.now() < this.#unreadySinceMs + pendingMs,
      holding: this.#holdings.of(host),
      load: this.#connections.size,
    };
  }

  /** Connections to hosts for which there may be a better way now: their agent or server leaves. */
  leftConnections(): readonly (readonly [TunnelConnection, string])[] {
    return [...this.#connections].filter(([connection]) => this.#isLeft(connection));
  }

  /** Whether a stream can be opened without waiting. */
  get isReady(): boolean {
    return stateOf(this.#client, false) === connectivityState.READY;
  }

  /** Counts a connection as one of this server's until it closes. */
  carry(connection: TunnelConnection, host: string): void {
    this.#connections.set(connection, host);
    connection.once("close", () => this.#connections.delete(connection));
    connection.opened.then(
      // It may have been left while it was being opened.
      () => this.#isLeft(connection) && this.#options.onChange(),
      () => undefined,
    );
  }

  #isLeft({ backendId }: TunnelConnection): boolean {
    return backendId !== 0n && this.#holdings.isLeft(backendId);
  }

  /**
   * Opens a stream for one dial: without gRPC where the server is one of ours. It fails later if
   * the server cannot be reached. Throws a TunnelError when the server has said that it has no agent
   * for `host`.
   */
  async openStream(
    host: string,
    dial: Pick<DialRequest, "address" | "dialId">,
  ): Promise<ProxyStream> {
    const session = await this.#greeting.session();
    if (this.#holdings.of(host) === "none") throw new TunnelError("no_agent", texts.noAgent);
    if (session !== undefined) return openRawProxy(session, dial);
    const { path, requestSerialize, responseDeserialize } = proxyService.Proxy;
    return this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { tls, log } = this.#options;
    let next: Client | undefined;
    const unsubscribe = tls.onChange(() => {
      next?.close();
      next = this.#open();
    });
    let wasReady = false;
    try {
      while (!signal.aborted) {
        const isReady = stateOf(this.#client, true) === connectivityState.READY;
        if (isReady !== wasReady) {
          log.info(isReady ? "Connected" : "Lost", this.#fields());
          this.#unreadySinceMs = performance.now();
          this.#options.onChange();
        }
        wasReady = isReady;
        // Before the first dial, which would wait for it.
        if (isReady) void this.#greeting.session();
        await stateChange(next ?? this.#client, signal);
        // Streams on the old channel go on until they end; new ones need one that works.
        if (next !== undefined && stateOf(next, true) === connectivityState.READY) {
          this.#retire(this.#client, this.#greeting);
          this.#client = next;
          this.#greeting = this.#greet(next);
          next = undefined;
        }
      }
    } finally {
      unsubscribe();
      next?.close();
      this.#retire(this.#client, this.#greeting);
      for (const close of this.#retired) close();
    }
  }

  /** Streams of a client that is closed go on until they end. */
  #retire(client: Client, greeting: Greeting): void {
    const close = () => {
      this.#retired.delete(close);
      clearTimeout(timer);
      greeting.end();
      client.close();
    };
    const timer = setTimeout(close, retireAfterMs).unref();
    this.#retired.add(close);
  }

  #fields() {
    return { server: this.address };
  }

  #greet(client: Client): Greeting {
    const { keepaliveTimeMs } = this.#options;
    const greeting: Greeting = new Greeting(client, keepaliveTimeMs, (news) => {
      // What the one before has to say is old.
      if (greeting === this.#greeting) this.#heard(news);
    });
    return greeting;
  }

  #heard(news: ServerNews): void {
    if (news === undefined) this.#holdings.forget();
    else this.#holdings.take(news);
    this.#options.onChange();
  }

  #open(): Client {
    const { address, serverName, tls, keepaliveTimeMs } = this.#options;
    return openChannel({
      address,
      serverName,
      tls: tls.current,
      userAgent: "spokeway-tunnel-client",
      keepaliveTimeMs,
      keepaliveTimeoutMs,
      isPingingIdle: false,
      maxReconnectDelayMs,
    });
  }
}

/** Asks a channel for its state, and to connect if it does not. */
function stateOf(client: Client, shouldConnect: boolean): connectivityState {
  return client.getChannel().getConnectivityState(shouldConnect);
}

/** Waits until the state changes, for a moment at most: a channel that fails has to be prodded. */
async function stateChange(client: Client, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = () => resolve();
  signal.addEventListener("abort", stop);
  const state = stateOf(client, true);
  const isReady = state === connectivityState.READY;
  const deadline = Date.now() + (isReady ? readyCheckIntervalMs : checkIntervalMs);
  client.getChannel().watchConnectivityState(state, deadline, stop);
  await promise;
  signal.removeEventListener("abort", stop);
}
