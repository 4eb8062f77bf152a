import { status } from "@grpc/grpc-js";
import {
  isAbortError,
  type Logger,
  type Metrics,
  type OutgoingProxy,
  type Runnable,
  silentLogger,
  sleep,
} from "#runtime";
import { ReceiveBudget, type ReceiveLimits } from "../flow/shared-receiver.ts";
import { statusName } from "../rpc/status-name.ts";
import type { TlsSource } from "../tls-source.ts";
import type { Drain, Packet, Servers } from "../wire/packet.ts";
import { type AgentMetrics, createAgentMetrics } from "./agent-metrics.ts";
import { AgentSession } from "./agent-session.ts";
import { connectToServer, type ServerStream } from "./connect.ts";
import type { DialPolicy, OwnTarget } from "./dial-target.ts";
import { ReadBuffers } from "./read-buffers.ts";
import {
  type KnownServer,
  listedServers,
  type ServerCountSource,
  SyncDelays,
  type SyncOutcome,
  serverCount,
  shouldConnect,
} from "./sync.ts";

export interface TunnelAgentOptions {
  /** `host:port` of the tunnel servers. */
  readonly address: string;
  /** Name that the servers' certificates must carry. Defaults to the host of `address`. */
  readonly serverName?: string;
  /** Stands between the agent and the tunnel servers. */
  readonly proxy?: OutgoingProxy | undefined;
  readonly tls: TlsSource;
  /** Tells this agent from all others. */
  readonly agentId: string;
  /** What it can reach, as a query string: `host=a&host=b`. */
  readonly identifiers: string;
  readonly metrics: Metrics;
  readonly log?: Logger;
  /** Read at each connect; sent as a bearer token. */
  readonly readToken?: () => Promise<string | undefined>;
  /** Which targets may be dialled. Defaults to all. */
  readonly policy?: DialPolicy;
  /** Names that lead to listeners of this process, whatever the policy says. Defaults to none. */
  readonly ownTarget?: OwnTarget | undefined;
  /** Wait between rounds of the search for servers. Defaults to 1 second. */
  readonly syncIntervalMs?: number;
  /** Longest wait between rounds that fail. Defaults to 2 seconds. */
  readonly syncIntervalCapMs?: number;
  /** Go on searching when all known servers are connected. Defaults to no. */
  readonly isSyncForever?: boolean;
  readonly serverCountSource?: ServerCountSource;
  /** The number of servers that Leases show, where those are counted. */
  readonly countLeases?: () => number;
  /**
   * Time between pings. Defaults to 35 seconds: a Go server ends agents that ping every 30. A server
   * of ours is pinged at least every 10 seconds.
   */
  readonly keepaliveTimeMs?: number;
  /** How long open connections may go on once the end was asked for. Defaults to 30 seconds. */
  readonly drainTimeoutMs?: number;
  readonly receiveLimits?: ReceiveLimits;
}

export interface TunnelAgent extends Runnable {
  /** Ids of the servers that this agent is connected to now. */
  readonly connectedServers: readonly string[];
  /** Connections to targets that are open now, dials included. */
  readonly openConnections: number;
  /** Why nobody can reach this agent, or `undefined` while it has a server. */
  reasonNotReady(): string | undefined;
}

const satisfiedIntervalMs = 30_000;

/**
 * Keeps a stream to each tunnel server and dials targets for them: konnectivity's agent. When its
 * signal aborts it asks for no new dials and lets open connections end, for a while.
 */
export function createTunnelAgent(options: TunnelAgentOptions): TunnelAgent {
  return new SyncingAgent(options);
}

class SyncingAgent implements TunnelAgent {
  readonly name = "tunnel-agent";
  readonly #options: TunnelAgentOptions;
  readonly #log: Logger;
  readonly #metrics: AgentMetrics;
  readonly #budget: ReceiveBudget;
  readonly #buffers = new ReadBuffers();
  readonly #sessions = new Map<string, { session: AgentSession; stream: ServerStream }>();
  #countFromServers = 0;
  /** A server was lost, asks to be left, or tells of others. */
  #news = Promise.withResolvers<void>();

  constructor(options: TunnelAgentOptions) {
    this.#options = options;
    this.#log = options.log ?? silentLogger;
    this.#metrics = createAgentMetrics(options.metrics);
    this.#budget = new ReceiveBudget(options.receiveLimits);
  }

  get connectedServers(): readonly string[] {
    return [...this.#sessions.keys()];
  }

  get openConnections(): number {
    return this.#sessions.values().reduce((sum, { session }) => sum + session.openConnections, 0);
  }

  reasonNotReady(): string | undefined {
    return this.#sessions.size > 0 ? undefined : "no servers connected";
  }

  async run(signal: AbortSignal): Promise<void> {
    const { syncIntervalMs = 1000, syncIntervalCapMs = 2000 } = this.#options;
    const delays = new SyncDelays({
      intervalMs: syncIntervalMs,
      intervalCapMs: syncIntervalCapMs,
      satisfiedIntervalMs,
    });
    try {
      while (!signal.aborted) {
        this.#news = Promise.withResolvers();
        const outcome = await this.#round(signal);
        await this.#pause(delays, outcome, signal);
      }
    } catch (error) {
      if (!isAbortError(error, signal)) throw error;
    } finally {
      await this.#drain();
    }
  }

  /** News is acted upon soon, unless looking for servers has just failed. */
  async #pause(delays: SyncDelays, outcome: SyncOutcome, signal: AbortSignal): Promise<void> {
    const stop = new AbortController();
    const asleep = sleep(delays.after(outcome), AbortSignal.any([signal, stop.signal]))
      .then(() => false)
      .catch(() => false);
    const heard = this.#news.promise.then(() => true);
    const hasNews = await Promise.race(outcome === "failed" ? [asleep] : [asleep, heard]);
    stop.abort();
    signal.throwIfAborted();
    if (hasNews) await sleep(delays.afterNews(this.#staying), signal);
  }

  get #known(): readonly KnownServer[] {
    return [...this.#sessions].map(([id, { session }]) => ({
      id,
      isDraining: session.isAskedToLeave,
      list: session.servers,
    }));
  }

  get #staying(): number {
    return this.#known.filter(({ isDraining }) => !isDraining).length;
  }

  async #round(signal: AbortSignal): Promise<SyncOutcome> {
    const { isSyncForever = false } = this.#options;
    this.#report();
    if (!this.#isMissingOne(isSyncForever)) return "complete";
    try {
      const outcome = this.#admit(await this.#connect(signal));
      const isSatisfied = outcome === "duplicate" && !this.#isMissingOne(false);
      return isSatisfied ? "satisfied" : outcome;
    } catch (error) {
      signal.throwIfAborted();
      this.#metrics.connectFailed();
      this.#log.warn("Cannot connect to tunnel server", { address: this.#options.address, error });
      return "failed";
    }
  }

  #isMissingOne(isSyncForever: boolean): boolean {
    return shouldConnect({ servers: this.#known, serverCount: this.#counted(), isSyncForever });
  }

  #report(): void {
    const listed = listedServers(this.#known)?.size;
    this.#metrics.servers(this.#sessions.size, listed ?? this.#counted());
  }

  #counted(): number {
    const { serverCountSource = "default", countLeases } = this.#options;
    const counts = { fromServers: this.#countFromServers, fromLeases: countLeases?.() };
    return serverCount(serverCountSource, counts);
  }

  async #connect(signal: AbortSignal): Promise<ServerStream> {
    const { address, serverName, tls, agentId, identifiers, readToken } = this.#options;
    const { keepaliveTimeMs = 35_000 } = this.#options;
    const token = await readToken?.();
    return connectToServer(
      {
        address,
        serverName,
        proxy: this.#options.proxy,
        tls: tls.current,
        agentId,
        identifiers,
        token: token?.trim(),
        keepaliveTimeMs,
      },
      signal,
    );
  }

  #admit(server: ServerStream): SyncOutcome {
    const { serverId, stream } = server;
    if (this.#sessions.has(serverId)) {
      server.close();
      return "duplicate";
    }
    this.#countFromServers = server.serverCount;
    const session = new AgentSession({
      stream,
      openCarrier: server.openCarrier,
      budget: this.#budget,
      policy: this.#options.policy ?? (() => undefined),
      ownTarget: this.#options.ownTarget,
      buffers: this.#buffers,
      metrics: this.#metrics,
    });
    this.#sessions.set(serverId, { session, stream: server });
    this.#log.info("Connected to tunnel server", { serverId, serverCount: server.serverCount });
    this.#follow(server, session);
    this.#report();
    return "connected";
  }

  #follow(server: ServerStream, session: AgentSession): void {
    const { serverId, stream } = server;
    stream.on("data", (packet: Packet) => {
      session.handle(packet);
      if (packet.type !== "servers" && packet.type !== "drain") return;
      this.#log.info("Heard of tunnel servers", { serverId, ...newsOf(packet) });
      this.#news.resolve();
    });
    stream.once("status", ({ code, details }) => {
      const isCurrent = this.#sessions.get(serverId)?.session === session;
      if (isCurrent) this.#sessions.delete(serverId);
      if (code !== status.OK) this.#metrics.streamError(statusName(code));
      this.#report();
      this.#log.info("Lost tunnel server", { serverId, code, details });
      session.close();
      server.close();
      this.#news.resolve();
    });
  }

  async #drain(): Promise<void> {
    const { drainTimeoutMs = 30_000 } = this.#options;
    const open = [...this.#sessions.values()];
    if (open.length > 0) this.#log.info("Draining", { servers: this.connectedServers });
    const stop = new AbortController();
    await Promise.race([
      Promise.all(open.map(({ session }) => session.drain())),
      sleep(drainTimeoutMs, stop.signal).catch(() => undefined),
    ]);
    stop.abort();
    for (const { stream } of open) stream.close();
  }
}

function newsOf(packet: Servers | Drain) {
  return packet.type === "servers" ? { servers: packet.ids } : { isLeaving: true };
}
