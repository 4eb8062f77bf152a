import { type ClientHttp2Session, connect as connectH2 } from "node:http2";
import type { Duplex } from "node:stream";
import { StreamWindows } from "../stream-windows.ts";
import { windows } from "../windows.ts";
import type { UpstreamCall, UpstreamRequest } from "./call.ts";
import { callOnH2 } from "./h2-call.ts";

export interface SessionOptions {
  readonly authority: string;
  /** What the upstream hears, since some compare it with the connection. */
  readonly scheme: "http" | "https";
  /** Most streams at once, if the upstream does not allow fewer. */
  readonly maxStreams: number;
  /** How long a session may be silent before it is asked for a sign of life. */
  readonly pingIntervalMs: number;
  /** How long that sign may take before the session counts as dead. */
  readonly pingTimeoutMs: number;
  /** How long a session without streams is kept. */
  readonly idleTimeoutMs: number;
  /** A stream ended, so there is room. */
  readonly onRoom: () => void;
  /** The session takes no more requests. `wasLost` when nobody here had asked for that. */
  readonly onGone: (wasLost: boolean) => void;
}

/** A connection that carries many requests at once and looks after its own health. */
export interface UpstreamSession {
  readonly streams: number;
  readonly hasRoom: boolean;
  /** Sends a request. Throws if the session is gone. */
  call(request: UpstreamRequest): UpstreamCall;
  /** Takes no more requests; ends when the last stream has. */
  close(): void;
  /** The same, and counts as lost: another one is wanted in its place. */
  retire(): void;
  /** Ends at once, streams and all. */
  destroy(): void;
}

/** What a session may do before the upstream has told its limit. */
const untoldMaxStreams = 100;

/** Speaks HTTP/2 on an open connection. */
export function createSession(socket: Duplex, options: SessionOptions): UpstreamSession {
  return new H2UpstreamSession(socket, options);
}

class H2UpstreamSession implements UpstreamSession {
  readonly #session: ClientHttp2Session;
  readonly #options: SessionOptions;
  readonly #windows: StreamWindows;
  #streams = 0;
  #maxStreams = untoldMaxStreams;
  #isOpen = true;
  #isAsked = false;

  constructor(socket: Duplex, options: SessionOptions) {
    const session = connectH2("https://upstream.invalid", {
      createConnection: () => socket,
      settings: {
        enablePush: false,
        initialWindowSize: windows.streamBytes,
        maxFrameSize: windows.frameBytes,
        maxHeaderListSize: 256 * 1024,
      },
      maxHeaderListPairs: 2000,
      maxSessionMemory: windows.sessionMemoryMb,
    });
    this.#session = session;
    this.#options = options;
    this.#windows = new StreamWindows(session);
    session.once("connect", () => session.setLocalWindowSize(windows.sessionBytes));
    session.on("remoteSettings", ({ maxConcurrentStreams = options.maxStreams }) => {
      this.#maxStreams = Math.min(options.maxStreams, maxConcurrentStreams);
      options.onRoom();
    });
    session.on("error", () => undefined);
    // A tunnelled connection may stay open in one direction; HTTP/2 has no use for half of one.
    socket.once("end", () => session.destroy(new Error("Connection ended")));
    session.once("goaway", () => this.#leave());
    session.once("close", () => this.#leave());
    watchHealth(session, options, this);
  }

  get streams(): number {
    return this.#streams;
  }

  get hasRoom(): boolean {
    const isUsable = this.#isOpen && !this.#session.closed && !this.#session.destroyed;
    return isUsable && this.#streams < this.#maxStreams;
  }

  call(request: UpstreamRequest): UpstreamCall {
    const { call, stream } = callOnH2(this.#session, this.#options, request);
    this.#streams += 1;
    this.#windows.opened();
    stream.once("close", () => {
      this.#streams -= 1;
      this.#windows.closed();
      this.#options.onRoom();
    });
    return call;
  }

  close(): void {
    this.#isAsked = true;
    this.#leave();
    this.#session.close();
  }

  retire(): void {
    this.#leave();
    this.#session.close();
  }

  destroy(): void {
    this.#isAsked = true;
    this.#leave();
    // With an error, or what is cut would look like what has ended.
    this.#session.destroy(new Error("Transport was destroyed"));
  }

  #leave(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#options.onGone(!this.#isAsked);
  }
}

/** Pings a session, ends it when it is dead, and closes one that nobody has used for long. */
function watchHealth(
  session: ClientHttp2Session,
  { pingIntervalMs, pingTimeoutMs, idleTimeoutMs }: SessionOptions,
  upstream: Pick<UpstreamSession, "streams" | "close">,
): void {
  let idleMs = 0;
  const timer = setInterval(() => {
    idleMs = upstream.streams > 0 ? 0 : idleMs + pingIntervalMs;
    if (idleMs >= idleTimeoutMs) upstream.close();
    if (session.destroyed) return;
    // Also while it drains: the streams that are left must not wait for a peer that is gone.
    const answered = afterRunning(pingTimeoutMs, () => {
      session.destroy(new Error("Connection is dead: no answer to a ping"));
    });
    session.ping(answered);
  }, pingIntervalMs).unref();
  session.once("close", () => clearInterval(timer));
}

/**
 * Calls back once this process has run for that long, unless what it returns is called before. Time
 * in which the process was held up does not count: an answer may wait to be read.
 */
function afterRunning(ms: number, late: () => void): () => void {
  let steps = 5;
  const timer = setInterval(() => {
    steps -= 1;
    if (steps > 0) return;
    clearInterval(timer);
    late();
  }, ms / steps).unref();
  return () => clearInterval(timer);
}
