import { constants, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { Server } from "@grpc/grpc-js";

/**
 * The parts of grpc-js that it keeps to itself and that we cannot do without. Each has a test that
 * looks at what goes over the wire, so that an update which moves them is noticed.
 */
interface ServerInternals {
  readonly commonServerOptions: { settings?: { initialWindowSize?: number } };
  readonly http2Servers: ReadonlyMap<Http2Server, unknown>;
}

interface CallInternals {
  readonly call?: { readonly stream?: { close(code: number): void } };
}

/**
 * How much a peer may send on one stream before we have taken it. With the usual 64 KiB a stream
 * would carry 1.3 MB/s over a link of 50 ms.
 */
export const streamWindowBytes = 4 * 1024 * 1024;

/** How much all streams of one session may have on the way. Node gives it back on receipt. */
export const sessionWindowBytes = 16 * 1024 * 1024;

/**
 * Sets the stream windows of the connections that `server` will take; call it before it is given
 * any credentials. grpc-js has an option for this on clients only (grpc-node #3058).
 */
export function widenStreamWindows(server: Server): void {
  const { commonServerOptions } = server as unknown as ServerInternals;
  commonServerOptions.settings = {
    ...commonServerOptions.settings,
    initialWindowSize: streamWindowBytes,
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

/**
 * Ends a server's stream at once and drops what the peer has not taken. The peer sees the status
 * RESOURCE_EXHAUSTED. grpc-js itself can only end a stream behind all that waits in it.
 */
export function resetCall(call: object): void {
  (call as CallInternals).call?.stream?.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
}
