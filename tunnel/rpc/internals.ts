import {
  constants,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Server } from "@grpc/grpc-js";
import { sessionWindowBytes, streamWindowBytes } from "./stream-windows.ts";

/**
 * The parts of grpc-js that it keeps to itself and that we cannot do without. Each has a test that
 * looks at what goes over the wire, so that an update which moves them is noticed.
 */
interface ServerInternals {
  readonly commonServerOptions: ResetLimits & {
    settings?: { initialWindowSize?: number; maxFrameSize?: number };
  };
  readonly http2Servers: ReadonlyMap<Http2Server, unknown>;
}

interface ResetLimits {
  streamResetBurst?: number;
  streamResetRate?: number;
}

interface CallInternals {
  readonly call?: {
    readonly stream?: { readonly session?: ServerHttp2Session; close(code: number): void };
  };
}

/**
 * The largest frame that a server of ours takes, and our clients from such a server. Fewer frames
 * cost less; one of this size keeps others waiting for about a millisecond. Go sends smaller ones.
 */
export const frameBytes = 128 * 1024;

/**
 * How many streams a peer may reset, at once and in a second, before its session is ended. Each
 * abandoned dial is one; the usual 1,000 and 33 end sessions that carry many.
 */
const resetLimits: Required<ResetLimits> = { streamResetBurst: 100_000, streamResetRate: 10_000 };

/**
 * Sets the stream windows, frames and resets of the connections that `server` will take; call it before it is given
 * any credentials. grpc-js has an option for this on clients only (grpc-node #3058).
 */
export function widenStreamWindows(server: Server): void {
  const { commonServerOptions } = server as unknown as ServerInternals;
  Object.assign(commonServerOptions, resetLimits);
  commonServerOptions.settings = {
    ...commonServerOptions.settings,
    initialWindowSize: streamWindowBytes,
    maxFrameSize: frameBytes,
  };
}

/** Sets the session windows; call it once `server` has been given its credentials. */
export function widenSessionWindows(server: Server): void {
  for (const http2Server of (server as unknown as ServerInternals).http2Servers.keys()) {
    http2Server.on("session", (session: ServerHttp2Session) => {
      session.setLocalWindowSize(sessionWindowBytes);
    });
  }
}

/** Serves one stream. It has not been answered yet. */
export type RawHandler = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/** Serves streams to some paths without gRPC; call it once `server` has its credentials. */
export function serveRawStreams(server: Server, handlers: Readonly<Record<string, RawHandler>>) {
  for (const http2Server of (server as unknown as ServerInternals).http2Servers.keys()) {
    const others = http2Server.listeners("stream");
    http2Server.removeAllListeners("stream");
    http2Server.on("stream", (stream, headers, ...rest) => {
      const path = headers[":path"] ?? "";
      const handler = Object.hasOwn(handlers, path) ? handlers[path] : undefined;
      if (handler !== undefined) return handler(stream as ServerHttp2Stream, headers);
      resetOnError(stream as ServerHttp2Stream);
      for (const other of others) other.call(http2Server, stream, headers, ...rest);
    });
  }
}

/**
 * grpc-js ends a stream behind which a bad message waits, and then still hands out the good ones
 * before it: an answer to one of those fails, and without this the stream would stay for ever.
 */
function resetOnError(stream: ServerHttp2Stream): void {
  stream.on("error", () => {
    if (!stream.closed) stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  });
}

/**
 * Ends a server's stream at once and drops what the peer has not taken. The peer sees the status
 * RESOURCE_EXHAUSTED. grpc-js itself can only end a stream behind all that waits in it.
 */
export function resetCall(call: object): void {
  (call as CallInternals).call?.stream?.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
}

/** The HTTP/2 session that a server's call came over. */
export function sessionOf(call: object): ServerHttp2Session | undefined {
  return (call as CallInternals).call?.stream?.session;
}
