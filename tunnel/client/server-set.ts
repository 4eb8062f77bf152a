import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { isAbortError, type Logger, type Runnable, sleep } from "#runtime";
import type { TlsSource } from "../tls-source.ts";
import type { ServerState } from "./order-servers.ts";
import { ServerChannel } from "./server-channel.ts";
import type { ServerAddresses } from "./tunnel-client.ts";

export interface ServerSetOptions {
  /** `host:port` each; a host may stand for several servers. */
  readonly servers: readonly string[];
  /** Who knows their addresses better than a lookup, while it does. */
  readonly addresses: ServerAddresses | undefined;
  readonly serverName: string | undefined;
  readonly tls: TlsSource;
  readonly keepaliveTimeMs: number;
  readonly log: Logger;
}

/** How often names are looked up again: servers come and go. */
const lookupIntervalMs = 5000;

interface Member {
  readonly channel: ServerChannel;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

/** The channels to all tunnel servers that the configured names stand for. */
export class ServerSet implements Runnable {
  readonly name = "tunnel-servers";
  readonly #options: ServerSetOptions;
  readonly #members = new Map<string, Member>();
  readonly #watchers = new Set<() => void>();
  #review: NodeJS.Immediate | undefined;

  constructor(options: ServerSetOptions) {
    this.#options = options;
  }

  /** The channels of now. */
  channels(): readonly ServerChannel[] {
    return [...this.#members.values()].map(({ channel }) => channel);
  }

  /** Why no stream can be opened now, or `undefined`. */
  reasonNotReady(): string | undefined {
    if (this.channels().some(({ isReady }) => isReady)) return undefined;
    return `no tunnel server answers at ${this.#options.servers.join(", ")}`;
  }

  /** Waits until there is news and a server serves the host, for `ms` at most. */
  async awaitServing(host: string, ms: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => void (this.#isServed(host) && resolve());
    this.#watchers.add(look);
    await wait(ms, promise, signal);
    this.#watchers.delete(look);
    signal.throwIfAborted();
  }

  /** Follows the addresses, or looks the names up again and again, and keeps a channel to each. */
  async run(signal: AbortSignal): Promise<void> {
    let changed = Promise.withResolvers<void>();
    const unsubscribe = this.#options.addresses?.onChange(() => changed.resolve());
    try {
      while (!signal.aborted) {
        changed = Promise.withResolvers();
        this.#keep(await this.#find());
        await wait(lookupIntervalMs, changed.promise, signal);
      }
    } finally {
      unsubscribe?.();
      await Promise.all([...this.#members.keys()].map((address) => this.#remove(address)));
    }
  }

  /** The host that each address belongs to; `undefined` to keep what is known. */
  async #find(): Promise<ReadonlyMap<string, string> | undefined> {
    const known = this.#options.addresses?.current;
    const [first = ""] = this.#options.servers;
    const [firstHost] = splitAddress(first);
    if (known !== undefined) return new Map(known.map((address) => [address, firstHost]));
    const found = new Map<string, string>();
    for (const server of this.#options.servers) {
      const [host, port] = splitAddress(server);
      const addresses = await this.#lookup(host);
      if (addresses === undefined) return undefined;
      for (const address of addresses) found.set(joinAddress(address, port), host);
    }
    return found;
  }

  #keep(found: ReadonlyMap<string, string> | undefined): void {
    if (found === undefined) return;
    for (const [address, host] of found) if (!this.#members.has(address)) this.#add(address, host);
    const gone = [...this.#members.keys()].filter((address) => !found.has(address));
    for (const address of gone) void this.#remove(address);
  }

  async #lookup(host: string): Promise<readonly string[] | undefined> {
    if (isIP(host) !== 0) return [host];
    try {
      const addresses = await lookup(host, { all: true });
      return addresses.map(({ address }) => address);
    } catch (error) {
      this.#options.log.warn("Cannot look up tunnel server", { host, error });
      return undefined;
    }
  }

  #add(address: string, host: string): void {
    const { serverName = host, tls, keepaliveTimeMs, log } = this.#options;
    const onChange = () => this.#changed();
    const channel = new ServerChannel({
      address,
      serverName,
      tls,
      keepaliveTimeMs,
      onChange,
      log,
    });
    const stop = new AbortController();
    const ended = channel.run(stop.signal).catch((error: unknown) => {
      if (!isAbortError(error)) log.error("Channel failed", { server: address, error });
    });
    this.#members.set(address, { channel, stop, ended });
  }

  /**
   * Connections whose agent or server leaves are told to be replaced, once there is another that
   * serves their host, and dials that wait for one go on. In one go, for changes come in crowds.
   */
  #changed(): void {
    if (this.#review !== undefined) return;
    this.#review = setImmediate(() => {
      this.#review = undefined;
      for (const [connection, host] of this.channels().flatMap((one) => one.leftConnections())) {
        if (this.#isServed(host)) connection.retire();
      }
      for (const look of this.#watchers) look();
    });
  }

  #isServed(host: string): boolean {
    return this.channels().some((channel) => isServing(channel.stateFor(host, false)));
  }

  async #remove(address: string): Promise<void> {
    const member = this.#members.get(address);
    this.#members.delete(address);
    member?.stop.abort();
    await member?.ended;
  }
}

function isServing({ isReady, holding }: Pick<ServerState, "isReady" | "holding">): boolean {
  return isReady && holding === "serving";
}

async function wait(ms: number, changed: Promise<void>, signal: AbortSignal): Promise<void> {
  const stop = new AbortController();
  const asleep = sleep(ms, AbortSignal.any([signal, stop.signal])).catch(() => undefined);
  await Promise.race([asleep, changed]);
  stop.abort();
  await asleep;
}

function splitAddress(address: string): readonly [host: string, port: string] {
  const at = address.lastIndexOf(":");
  return [address.slice(0, at).replace(/^\[|\]$/g, ""), address.slice(at + 1)];
}

function joinAddress(host: string, port: string): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
