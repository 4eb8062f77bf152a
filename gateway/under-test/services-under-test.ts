import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer as createHttp, type IncomingMessage, type Server } from "node:http";
import {
  createServer as createH2,
  createSecureServer,
  type Http2Server,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo, Server as NetServer, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { buffer } from "node:stream/consumers";

/** What a Service of a managed cluster has heard. */
export interface HeardRequest {
  readonly method: string;
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Services of a managed cluster: plain HTTP with WebSockets, and gRPC with and without TLS. */
export class ServicesUnderTest implements AsyncDisposable {
  readonly heard: HeardRequest[] = [];
  readonly #web: Server;
  readonly #grpc: Http2Server;
  readonly #secure: Http2Server;
  readonly #sockets = new Set<Socket>();

  private constructor(pair: { readonly cert: string; readonly key: string }) {
    this.#web = createHttp((request, response) => {
      this.#note(request.method ?? "", request.url ?? "", request.rawHeaders);
      void buffer(request).then((body) => this.#answer(request, body, response));
    });
    this.#web.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
    this.#grpc = createH2();
    this.#secure = createSecureServer(pair);
    for (const server of [this.#grpc, this.#secure]) {
      server.on("stream", (stream, _headers, _flags, raw: string[]) =>
        this.#call(stream as ServerHttp2Stream, raw),
      );
    }
  }

  /** `pair` is the certificate of the one with TLS. */
  static async start(pair: {
    readonly cert: string;
    readonly key: string;
  }): Promise<ServicesUnderTest> {
    const services = new ServicesUnderTest(pair);
    for (const server of services.#all) {
      server.on("connection", (socket: Socket) => {
        services.#sockets.add(socket);
        socket.on("error", () => undefined).on("close", () => services.#sockets.delete(socket));
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
    }
    return services;
  }

  get ports() {
    return { web: portOf(this.#web), grpc: portOf(this.#grpc), secure: portOf(this.#secure) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#all) server.close();
    for (const socket of this.#sockets) socket.destroy();
    await Promise.resolve();
  }

  get #all(): readonly NetServer[] {
    return [this.#web, this.#grpc, this.#secure];
  }

  #note(method: string, path: string, raw: readonly string[]): void {
    const headers: Record<string, string> = {};
    for (let at = 0; at + 1 < raw.length; at += 2) {
      headers[(raw[at] ?? "").toLowerCase()] = raw[at + 1] ?? "";
    }
    this.heard.push({ method, path, headers });
  }

  #answer(
    request: IncomingMessage,
    body: Buffer,
    response: Parameters<Parameters<typeof createHttp>[1] & object>[1],
  ): void {
    if (request.url === "/moved") {
      response.writeHead(302, {
        location: "/elsewhere?a=b",
        "set-cookie": "session=1; Path=/; Domain=example.test; HttpOnly",
      });
      response.end();
      return;
    }
    response.setHeader("content-type", "text/plain");
    response.end(`${request.method} ${request.url} ${body.toString()}`);
  }

  /** Echoes frames as they come: what a WebSocket is made of is not looked at. */
  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#note(request.method ?? "", request.url ?? "", request.rawHeaders);
    const magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}${magic}`);
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept.digest("base64")}\r\n\r\n`,
    );
    socket.write(head);
    socket.pipe(socket);
  }

  /** A unary call that answers what it got, and says in its trailers that all is well. */
  #call(stream: ServerHttp2Stream, raw: readonly string[]): void {
    this.#note("POST", raw[raw.indexOf(":path") + 1] ?? "", raw);
    stream.on("error", () => undefined);
    stream.respond(
      { ":status": 200, "content-type": "application/grpc" },
      { waitForTrailers: true },
    );
    stream.on("wantTrailers", () => {
      stream.sendTrailers({ "grpc-status": "0", "grpc-message": "well" });
    });
    stream.pipe(stream);
  }
}

function portOf(server: { address(): unknown }): number {
  return (server.address() as AddressInfo).port;
}
