import { createServer, type IncomingMessage, type Server } from "node:http";
import type { Socket } from "node:net";
import type { ConnectionProtocol } from "../rpc/listener.ts";
import { onlyConnect } from "./connect-answer.ts";
import { ConnectStream } from "./connect-stream.ts";
import { Frontend } from "./frontend.ts";
import type { ProxyOptions } from "./proxy-handler.ts";

/** How long a client may take to send its request. */
const headTimeoutMs = 60_000;

/**
 * HTTP/1.1 with CONNECT and nothing else, for frontends that do not speak gRPC: each request
 * becomes one connection, and ends with it.
 */
export function createHttpConnectProtocol(options: ProxyOptions): ConnectionProtocol {
  const open = new Set<Socket>();
  const waiting = new WeakMap<Socket, NodeJS.Timeout>();
  const drained = Promise.withResolvers<void>();
  let isDraining = false;
  const server = createConnectServer((request, socket, head) => {
    clearTimeout(waiting.get(socket));
    open.add(socket);
    options.metrics.httpConnections(1);
    socket.on("close", () => {
      options.metrics.httpConnections(-1);
      open.delete(socket);
      if (isDraining && open.size === 0) drained.resolve();
    });
    serve(options, { address: request.url ?? "", socket, head });
  });
  return {
    alpn: ["http/1.1"],
    isHalfOpen: true,
    accept(socket) {
      // The server itself looks at the time only where it listens itself.
      const timer = setTimeout(() => socket.destroy(), headTimeoutMs).unref();
      socket.once("close", () => clearTimeout(timer));
      waiting.set(socket, timer);
      server.emit("connection", socket);
    },
    async drain() {
      isDraining = true;
      if (open.size > 0) await drained.promise;
    },
    close() {
      for (const socket of open) socket.destroy();
    },
  };
}

function createConnectServer(
  onConnect: (request: IncomingMessage, socket: Socket, head: Buffer) => void,
): Server {
  const server = createServer((_request, response) => {
    const { status, contentType, body } = onlyConnect;
    response.writeHead(status, { "Content-Type": contentType, Connection: "close" }).end(body);
  });
  server.on("connect", (request, socket, head: Buffer) => {
    onConnect(request, socket as Socket, head);
  });
  server.on("clientError", (_error, socket) => socket.destroy());
  return server;
}

interface ConnectRequest {
  /** `host:port`, as the client asks for it. */
  readonly address: string;
  readonly socket: Socket;
  readonly head: Buffer;
}

function serve(options: ProxyOptions, { address, socket, head }: ConnectRequest): void {
  const stream = new ConnectStream(socket, head);
  const frontend = new Frontend({ ...options, stream, reset: () => stream.reset() });
  stream.on("data", (packet) => frontend.handle(packet));
  const release = options.metrics.holds.Proxy.follow(stream);
  stream.on("end", () => {
    release();
    frontend.gone();
  });
  frontend.handle({ type: "dialRequest", protocol: "tcp", address, dialId: 1n });
}
