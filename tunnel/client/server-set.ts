import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { isAbortError, type Logger, type Runnable, sleep } from "#runtime";
import type { TlsSource } from "../tls-source.ts";
import { ServerChannel } from "./server-channel.ts";

export interface ServerSetOptions {
  /** `host:port` each; a host may stand for several servers. */
  readonly servers: readonly string[];
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

  constructor(options: ServerSetOptions) {
    this.#options = options;
  }

  /** The channels of now, those that are connected first. */
  channels(): readonly ServerChannel[] {
    const all = [...this.#members.values()].map(({ channel }) => channel);
    return all.toSorted((a, b) => Number(b.isReady) - Number(a.isReady));
  }

  /** Why no stream can be opened now, or `undefined`. */
  reasonNotReady(): string | undefined {
    if (this.channels()[0]?.isReady === true) return undefined;
    return `no tunnel server answers at ${this.#options.servers.join(", ")}`;
  }

  /** Looks the names up, again and again, and keeps a channel to each address. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) {
        await this.#follow();
        await sleep(lookupIntervalMs, signal);
      }
    } finally {
      await Promise.all([...this.#members.keys()].map((address) => this.#remove(address)));
    }
  }

  async #follow(): Promise<void> {
    const found = new Map<string, string>();
    for (const server of this.#options.servers) {
      const [host, port] = splitAddress(server);
      const addresses = await this.#lookup(host);
      // Keep what is known while a name cannot be looked up.
      if (addresses === undefined) return;
      for (const address of addresses) found.set(joinAddress(address, port), host);
    }
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
    const channel = new ServerChannel({ address, serverName, tls, keepaliveTimeMs, log });
    const stop = new AbortController();
    const ended = channel.run(stop.signal).catch((error: unknown) => {
      if (!isAbortError(error)) log.error("Channel failed", { server: address, error });
    });
    this.#members.set(address, { channel, stop, ended });
  }

  async #remove(address: string): Promise<void> {
    const member = this.#members.get(address);
    this.#members.delete(address);
    member?.stop.abort();
    await member?.ended;
  }
}

function splitAddress(address: string): readonly [host: string, port: string] {
  const at = address.lastIndexOf(":");
  return [address.slice(0, at).replace(/^\[|\]$/g, ""), address.slice(at + 1)];
}

function joinAddress(host: string, port: string): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
