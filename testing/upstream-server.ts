import { once } from "node:events";
import { createServer as createH1, type RequestListener } from "node:http";
import {
  createServer as createH2,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type SessionOptions,
} from "node:http2";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createServer as createTls, type TLSSocket } from "node:tls";
import type { TestAuthority } from "./certificates.ts";

export interface UpstreamHandlers {
  readonly h2?: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;
  readonly h2Options?: SessionOptions;
  readonly h1?: RequestListener;
  /** Gets the head of the request as text, and the raw connection. */
  readonly upgrade?: (socket: Duplex, url: string, headers: readonly string[]) => void;
}

/** A TLS server on loopback that counts what comes in. */
export interface TestUpstream extends AsyncDisposable {
  readonly port: number;
  readonly caPem: string;
  /** Connections so far, by protocol. */
  readonly accepted: { h2: number; h1: number };
  readonly sessions: ReadonlySet<ServerHttp2Session>;
  readonly sockets: ReadonlySet<TLSSocket>;
  /** A new TCP connection to it. */
  dial(): Promise<Socket>;
}

export const upstreamName = "upstream.test";

/** Starts an upstream that offers HTTP/2 if it has a handler for it, and HTTP/1.1 if for that. */
export async function startUpstream(
  authority: TestAuthority,
  { h2, h2Options = {}, h1, upgrade }: UpstreamHandlers,
): Promise<TestUpstream> {
  const accepted = { h2: 0, h1: 0 };
  const sessions = new Set<ServerHttp2Session>();
  const sockets = new Set<TLSSocket>();
  const h2Server = createH2(h2Options);
  h2Server.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
    session.on("error", () => undefined);
  });
  h2Server.on("stream", (stream: ServerHttp2Stream, headers) => {
    stream.on("error", () => undefined);
    h2?.(stream, headers);
  });
  const h1Server = createH1(h1);
  h1Server.on("upgrade", (request, socket: Duplex) => {
    upgrade?.(socket, request.url ?? "", request.rawHeaders);
  });
  const offersH1 = h1 !== undefined || upgrade !== undefined;
  const server = createTls({
    ...(await authority.server(upstreamName, "127.0.0.1")),
    ALPNProtocols: [...(h2 === undefined ? [] : ["h2"]), ...(offersH1 ? ["http/1.1"] : [])],
    allowHalfOpen: true,
  });
  server.on("secureConnection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    const kind = socket.alpnProtocol === "h2" ? "h2" : "h1";
    accepted[kind] += 1;
    (kind === "h2" ? h2Server : h1Server).emit("connection", socket);
  });
  server.on("tlsClientError", () => undefined);
  const connections = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    caPem: authority.caPem,
    accepted,
    sessions,
    sockets,
    async dial() {
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
      await once(socket, "connect");
      return socket;
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      for (const socket of connections) socket.destroy();
      await closed;
    },
  };
}
