import type { ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { TLSSocket, Server as TlsServer } from "node:tls";

/**
 * Why a client was turned away before anything of it was handed on.
 *
 * - `malformed`: it sent what is no TLS or no HTTP, or broke the rules of HTTP/2.
 * - `slow`: its handshake, or the head of its request, did not come in time.
 * - `too_many_connections`: its address has enough of them.
 */
export type FrontRefusal = "malformed" | "slow" | "too_many_connections";

export interface ConnectionLimits {
  /** Connections that one address may have open at once. */
  readonly perAddress: number;
  readonly onRefused: (reason: FrontRefusal) => void;
}

/**
 * Bounds how many connections of a server one address has, and ends and counts those whose handshake
 * fails. Returns what is connected, handshakes under way included.
 */
export function limitConnections(
  server: TlsServer,
  { perAddress, onRefused }: ConnectionLimits,
): ReadonlySet<Socket> {
  const open = new Map<string, number>();
  const sockets = new Set<Socket>();
  // Before the server begins its handshake, which costs far more than to turn somebody away.
  server.prependListener("connection", (socket: Socket) => {
    const { remoteAddress = "" } = socket;
    const count = open.get(remoteAddress) ?? 0;
    if (count >= perAddress) {
      onRefused("too_many_connections");
      socket.destroy();
      return;
    }
    open.set(remoteAddress, count + 1);
    sockets.add(socket);
    socket.once("close", () => {
      sockets.delete(socket);
      const left = (open.get(remoteAddress) ?? 1) - 1;
      if (left > 0) open.set(remoteAddress, left);
      else open.delete(remoteAddress);
    });
  });
  server.on("tlsClientError", ({ code = "" }: Error & { readonly code?: string }, socket) => {
    // Node only tells of a handshake that takes too long. Of those who left meanwhile it tells no
    // sooner, since a connection here may end in one direction first.
    socket.destroy();
    if (code === "ERR_TLS_HANDSHAKE_TIMEOUT") onRefused("slow");
    // Whoever only looks whether the port is open is no news.
    else if (code.startsWith("ERR_SSL_")) onRefused("malformed");
  });
  return sockets;
}

/**
 * Ends a session of HTTP/2 on which no first request comes in time; HTTP/1.1 has this in Node. Who
 * came with a certificate that counts may have a session in store.
 */
export function awaitFirstRequest(
  session: ServerHttp2Session,
  {
    headTimeoutMs,
    onRefused,
  }: { readonly headTimeoutMs: number } & Pick<ConnectionLimits, "onRefused">,
): void {
  if ((session.socket as TLSSocket).authorized) return;
  const timer = setTimeout(() => {
    onRefused("slow");
    session.destroy();
  }, headTimeoutMs).unref();
  const came = () => clearTimeout(timer);
  session.once("stream", came);
  session.once("close", came);
}
