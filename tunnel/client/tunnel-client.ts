import type { Duplex } from "node:stream";
import type { Logger, Metrics, Runnable } from "#runtime";
import type { TlsSource } from "../tls-source.ts";

export interface TunnelClientOptions {
  /** Tunnel servers as `host:port`. A name with several addresses is one server for each. */
  readonly servers: readonly string[];
  /**
   * Somebody who knows the servers' addresses, and hears of changes; while he does, nothing is looked
   * up. The servers are then known by `serverName`, or by the first host of `servers`.
   */
  readonly addresses?: ServerAddresses | undefined;
  /** Client certificate, and the CA that the servers' certificates must come from. */
  readonly tls: TlsSource;
  /** Name that the servers' certificates must carry. Defaults to the host of each server. */
  readonly serverName?: string;
  readonly log?: Logger;
  readonly metrics?: Metrics;
  /** How long a dial may take in all. Defaults to 30 seconds, as long as upstream's client waits. */
  readonly dialTimeoutMs?: number;
  /**
   * Time between pings on a channel that carries connections. Defaults to 5 minutes: a Go server
   * ends channels that ping more often. A server of ours is pinged at least every 10 seconds.
   */
  readonly keepaliveTimeMs?: number;
}

/** The addresses of the tunnel servers. */
export interface ServerAddresses {
  /** As `host:port`; `undefined` while nobody knows. */
  readonly current: readonly string[] | undefined;
  /** Calls back after each change. Returns the unsubscriber. */
  onChange(listener: () => void): () => void;
}

/**
 * The way into the tunnel. `run` keeps one channel to each tunnel server and re-dials those that
 * are lost; `dial` works while `run` runs.
 */
export interface TunnelClient extends Runnable {
  /**
   * Connects to `host:port` as an agent sees it: `host` also chooses the agent.
   *
   * The connection has back-pressure both ways. `end()` ends one direction where server and agent
   * are ours; where one of them is not, it closes both once what was written is delivered. Aborting
   * `signal` cancels the dial, never an open connection. While an agent or server that has just
   * been lost reconnects, a dial waits for a moment. Throws a TunnelError, or the reason of
   * `signal`.
   *
   * Servers of ours say which hosts they have agents for, and no other one is asked. When the agent
   * or the server of an open connection is about to end, and there is another one, the connection
   * emits `retire`: it goes on, but what is new belongs on a new one.
   */
  dial(host: string, port: number, signal: AbortSignal): Promise<Duplex>;
  /**
   * The same, one round trip earlier: for a host that is known, the connection comes before the
   * target is reached, and what is written meanwhile travels with the dial. A dial that fails then
   * destroys the connection with its TunnelError.
   */
  dialEarly(host: string, port: number, signal: AbortSignal): Promise<Duplex>;
  /** Why no dial can work now, or `undefined` while at least one server is connected. */
  reasonNotReady(): string | undefined;
}
