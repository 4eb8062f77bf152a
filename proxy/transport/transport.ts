import { backoffDelays, sleep } from "#runtime";
import { ProxyError } from "../proxy-error.ts";
import type { UpstreamCall, UpstreamRequest } from "./call.ts";
import { type Connection, connect, type Protocol, type TicketBox } from "./connect.ts";
import { createH1Connections, type H1Connections } from "./h1-connections.ts";
import { createSession, type UpstreamSession } from "./h2-session.ts";
import { type PreparedTls, prepareTls, type Upstream } from "./upstream.ts";

export interface TransportOptions {
  /** Defaults to 10 seconds. */
  readonly dialTimeoutMs?: number;
  /** Defaults to 10 seconds. */
  readonly handshakeTimeoutMs?: number;
  /** Sessions of HTTP/2 at most; each carries as many streams as the upstream allows. Defaults to 16. */
  readonly maxSessions?: number;
  /** Streams of one session at most. Defaults to 250. */
  readonly maxStreamsPerSession?: number;
  /** Connections of HTTP/1.1 at most, for an upstream that knows no better. Defaults to 64. */
  readonly maxConnections?: number;
  /** How long a request may wait for room on a full transport. Defaults to 5 seconds. */
  readonly queueTimeoutMs?: number;
  /** Requests that may wait for room at once. Defaults to 256. */
  readonly maxQueued?: number;
  /**
   * How long after the loss of a working session requests wait for the next one instead of
   * failing. Defaults to 2 seconds.
   */
  readonly holdMs?: number;
  /** Defaults to 15 seconds. */
  readonly pingIntervalMs?: number;
  /** Defaults to 10 seconds. */
  readonly pingTimeoutMs?: number;
  /** How long a connection without requests is kept. Defaults to 10 minutes. */
  readonly idleTimeoutMs?: number;
}

const defaults: Required<TransportOptions> = {
  dialTimeoutMs: 10_000,
  handshakeTimeoutMs: 10_000,
  maxSessions: 16,
  maxStreamsPerSession: 250,
  maxConnections: 64,
  queueTimeoutMs: 5000,
  maxQueued: 256,
  holdMs: 2000,
  pingIntervalMs: 15_000,
  pingTimeoutMs: 10_000,
  idleTimeoutMs: 600_000,
};

/** Carries requests to one upstream over connections that are kept and shared. */
export interface Transport {
  readonly authority: string;
  /** Sends on a connection that is open and has room, or returns `undefined` if there is none. */
  tryCall(request: UpstreamRequest): UpstreamCall | undefined;
  /**
   * Sends a request, opening a connection or waiting for room if it must. Throws a ProxyError:
   * those of {@link connect}, `overloaded`, `closed`.
   */
  call(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamCall>;
  /** A connection of its own that speaks HTTP/1.1, for an upgrade. Throws as {@link connect} does. */
  connect(signal: AbortSignal): Promise<Connection>;
  /** Takes no more requests; those under way go on, and the connections end with the last one. */
  close(): void;
  /** Ends everything at once, but for connections that were handed out. */
  destroy(): void;
}

/** Makes a transport. Nothing is dialled before the first request. */
export function createTransport(upstream: Upstream, options: TransportOptions = {}): Transport {
  return new PooledTransport(upstream, { ...defaults, ...options });
}

class PooledTransport implements Transport {
  readonly authority: string;
  readonly #upstream: Upstream;
  readonly #options: Required<TransportOptions>;
  readonly #tls: PreparedTls | undefined;
  readonly #tickets: TicketBox = { newest: undefined };
  readonly #sessions = new Set<UpstreamSession>();
  /** No longer chosen, but with streams that are still going. */
  readonly #retired = new Set<UpstreamSession>();
  readonly #ended = new AbortController();
  readonly #waiting = new Set<() => void>();
  #growing: Promise<void> | undefined;
  #h1: H1Connections | undefined;
  #spare: Connection | undefined;
  #lostAtMs = Number.NEGATIVE_INFINITY;
  #usedAtMs = Number.NEGATIVE_INFINITY;

  constructor(upstream: Upstream, options: Required<TransportOptions>) {
    this.authority = upstream.authority;
    this.#upstream = upstream;
    this.#options = options;
    this.#tls = upstream.tls === undefined ? undefined : prepareTls(upstream.tls);
    const isPlainH1 = this.#tls === undefined && upstream.plainProtocol !== "h2";
    if (isPlainH1) this.#h1 = this.#createH1();
  }

  tryCall(request: UpstreamRequest): UpstreamCall | undefined {
    if (this.#ended.signal.aborted) return undefined;
    this.#usedAtMs = performance.now();
    if (this.#h1 !== undefined) return this.#h1.call(request);
    return this.#roomiest()?.call(request);
  }

  async call(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamCall> {
    const delays = backoffDelays({ minMs: 25, maxMs: 250, jitter: 0.2 });
    for (;;) {
      if (this.#ended.signal.aborted) throw new ProxyError("closed", "Transport was retired");
      const call = this.tryCall(request);
      if (call !== undefined) return call;
      try {
        await this.#makeRoom(signal);
      } catch (error) {
        if (!this.#isHeld(error) || signal.aborted) throw error;
        await sleep(delays.next().value, signal);
      }
    }
  }

  async connect(signal: AbortSignal): Promise<Connection> {
    return this.#open(["http/1.1"], AbortSignal.any([signal, this.#ended.signal]));
  }

  close(): void {
    this.#ended.abort();
    for (const session of this.#sessions) session.close();
    this.#h1?.close();
    this.#spare?.socket.destroy();
  }

  destroy(): void {
    this.close();
    for (const session of this.#retired) session.destroy();
    this.#h1?.destroy();
  }

  #roomiest(): UpstreamSession | undefined {
    let best: UpstreamSession | undefined;
    for (const session of this.#sessions) {
      if (session.hasRoom && (best === undefined || session.streams < best.streams)) best = session;
    }
    return best;
  }

  /** True while the loss of a session is fresh: its successor is on the way. */
  #isHeld(error: unknown): boolean {
    const isDial = error instanceof ProxyError && error.code === "dial_failed";
    return isDial && performance.now() < this.#lostAtMs + this.#options.holdMs;
  }

  async #makeRoom(signal: AbortSignal): Promise<void> {
    if (this.#sessions.size < this.#options.maxSessions) {
      this.#growing ??= this.#grow().finally(() => {
        this.#growing = undefined;
      });
      await untilAborted(this.#growing, signal);
    } else {
      await this.#roomFreed(signal);
    }
  }

  async #grow(): Promise<void> {
    const connection = await this.#open(["h2", "http/1.1"], this.#ended.signal);
    if (this.#ended.signal.aborted) {
      connection.socket.destroy();
      throw new ProxyError("closed", "Transport was retired");
    }
    if (connection.protocol === "h2") {
      this.#adopt(connection);
    } else {
      this.#spare = connection;
      this.#h1 ??= this.#createH1();
    }
    this.#announceRoom();
  }

  #adopt({ socket, retiring }: Connection): void {
    const { pingIntervalMs, pingTimeoutMs, idleTimeoutMs } = this.#options;
    const session = createSession(socket, {
      authority: this.authority,
      scheme: this.#tls === undefined ? "http" : "https",
      maxStreams: this.#options.maxStreamsPerSession,
      pingIntervalMs,
      pingTimeoutMs,
      idleTimeoutMs,
      onRoom: () => this.#announceRoom(),
      onGone: (wasLost) => {
        this.#sessions.delete(session);
        this.#retired.add(session);
        if (wasLost) this.#replaceLost();
      },
    });
    socket.once("close", () => this.#retired.delete(session));
    this.#sessions.add(session);
    if (retiring.aborted) session.retire();
    else retiring.addEventListener("abort", () => session.retire(), { once: true });
  }

  /** Dials again in the background while the upstream is in use, so that the next request is quick. */
  #replaceLost(): void {
    this.#lostAtMs = performance.now();
    void this.#redial().catch(() => undefined);
  }

  async #redial(): Promise<void> {
    const { signal } = this.#ended;
    const delays = backoffDelays({ minMs: 50, maxMs: 5000, jitter: 0.2 });
    const isInUse = () => performance.now() - this.#usedAtMs < this.#options.idleTimeoutMs / 2;
    const isLost = () => this.#sessions.size === 0;
    while (!signal.aborted && isLost() && isInUse()) {
      // A failure here is nobody's request; whoever comes next dials and hears of it.
      await this.#makeRoom(signal).catch(() => undefined);
      if (isLost()) await sleep(delays.next().value, signal);
    }
  }

  async #roomFreed(signal: AbortSignal): Promise<void> {
    if (this.#waiting.size >= this.#options.maxQueued) {
      throw new ProxyError("overloaded", "Every connection is in use and the queue is full");
    }
    const freed = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      freed.reject(new ProxyError("overloaded", "Every connection stayed in use"));
    }, this.#options.queueTimeoutMs);
    this.#waiting.add(freed.resolve);
    try {
      await untilAborted(freed.promise, AbortSignal.any([signal, this.#ended.signal]));
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(freed.resolve);
    }
  }

  #announceRoom(): void {
    for (const resume of this.#waiting) resume();
  }

  #createH1(): H1Connections {
    return createH1Connections({
      authority: this.authority,
      open: () => this.#openH1(),
      maxConnections: this.#options.maxConnections,
      idleTimeoutMs: this.#options.idleTimeoutMs,
    });
  }

  async #openH1(): Promise<Connection> {
    const spare = this.#spare;
    this.#spare = undefined;
    if (spare?.socket.destroyed === false) return spare;
    return this.#open(["http/1.1"], this.#ended.signal);
  }

  async #open(protocols: readonly Protocol[], signal: AbortSignal): Promise<Connection> {
    const { dialTimeoutMs, handshakeTimeoutMs } = this.#options;
    return connect(
      {
        dial: this.#upstream.dial,
        dialEarly: this.#upstream.dialEarly,
        tls: this.#tls,
        plainProtocol: this.#upstream.plainProtocol,
        protocols,
        dialTimeoutMs,
        handshakeTimeoutMs,
        tickets: this.#tickets,
      },
      signal,
    );
  }
}

async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const gone = Promise.withResolvers<never>();
  const leave = () => gone.reject(new ProxyError("client_gone", "Nobody waits any more"));
  signal.addEventListener("abort", leave, { once: true });
  try {
    return await Promise.race([promise, gone.promise]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}
