import type { ServerChannel } from "./server-channel.ts";

/** More hosts than any hub has clusters: beyond it the oldest are forgotten. */
const maxHosts = 10_000;

/** Which server had an agent for a host the last time, so that it is asked first. */
export class ServerHints {
  readonly #servers = new Map<string, string>();

  /** `channels` with the remembered one in front, unless it is not connected. */
  order(host: string, channels: readonly ServerChannel[]): readonly ServerChannel[] {
    const address = this.#servers.get(host);
    const hinted = channels.find((channel) => channel.address === address);
    if (hinted === undefined || !hinted.isReady) return channels;
    return [hinted, ...channels.filter((channel) => channel !== hinted)];
  }

  remember(host: string, address: string): void {
    this.#servers.delete(host);
    this.#servers.set(host, address);
    if (this.#servers.size <= maxHosts) return;
    const [oldest] = this.#servers.keys();
    if (oldest !== undefined) this.#servers.delete(oldest);
  }

  forget(host: string): void {
    this.#servers.delete(host);
  }
}
