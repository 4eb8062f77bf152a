import { type Client, connectivityState } from "@grpc/grpc-js";
import type { Logger, Runnable } from "#runtime";
import { openChannel } from "../rpc/channel.ts";
import { openRawProxy } from "../rpc/raw-openings.ts";
import { proxyService } from "../rpc/services.ts";
import type { TlsSource } from "../tls-source.ts";
import type { DialRequest } from "../wire/packet.ts";
import { Greeting } from "./greeting.ts";
import type { ProxyStream } from "./tunnel-connection.ts";

export interface ServerChannelOptions {
  /** `host:port` */
  readonly address: string;
  readonly serverName: string;
  readonly tls: TlsSource;
  readonly keepaliveTimeMs: number;
  readonly log: Logger;
}

const keepaliveTimeoutMs = 10_000;
const maxReconnectDelayMs = 500;
/** How often a channel is looked at again, while it is not connected and while it is. */
const checkIntervalMs = 200;
const readyCheckIntervalMs = 5000;

/** The one channel to one tunnel server. `run` keeps it connected and follows the certificates. */
export class ServerChannel implements Runnable {
  readonly name = "server-channel";
  readonly address: string;
  readonly #options: ServerChannelOptions;
  #client: Client;
  #greeting: Greeting;

  constructor(options: ServerChannelOptions) {
    this.address = options.address;
    this.#options = options;
    this.#client = this.#open();
    this.#greeting = this.#greet(this.#client);
  }

  /** Whether a stream can be opened without waiting. */
  get isReady(): boolean {
    return stateOf(this.#client, false) === connectivityState.READY;
  }

  /**
   * Opens a stream for one dial: without gRPC where the server is one of ours. It fails later if
   * the server cannot be reached.
   */
  async openStream(dial: Pick<DialRequest, "address" | "dialId">): Promise<ProxyStream> {
    const session = await this.#greeting.session();
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
        if (isReady !== wasReady) log.info(isReady ? "Connected" : "Lost", this.#fields());
        wasReady = isReady;
        // Before the first dial, which would wait for it.
        if (isReady) void this.#greeting.session();
        await stateChange(next ?? this.#client, signal);
        // Streams on the old channel go on until they end; new ones need one that works.
        if (next !== undefined && stateOf(next, true) === connectivityState.READY) {
          this.#greeting.end();
          this.#client.close();
          this.#client = next;
          this.#greeting = this.#greet(next);
          next = undefined;
        }
      }
    } finally {
      unsubscribe();
      next?.close();
      this.#greeting.end();
      this.#client.close();
    }
  }

  #greet(client: Client): Greeting {
    return new Greeting(client, this.#options.keepaliveTimeMs);
  }

  #fields() {
    return { server: this.address };
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
