import { once } from "node:events";
import { createServer as createHttp, type IncomingMessage, type Server } from "node:http";
import { createServer as createHttps } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream";
import type { TestPair } from "./certificates.ts";

/** An HTTP proxy on loopback that opens tunnels. */
export interface ConnectProxy extends AsyncDisposable {
  readonly port: number;
  /** What it was asked for, as `host:port`, in order; with what became of it. */
  readonly asked: readonly string[];
}

export interface ConnectProxyOptions {
  /** `user:password`; without it everybody may come. */
  readonly credentials?: string;
  /** Is spoken to in TLS. */
  readonly tls?: TestPair;
  /** Where names lead that only the proxy knows; others are taken as they are. */
  readonly hosts?: Readonly<Record<string, string>>;
}

/** Starts a proxy. Whoever shows no or other credentials than it wants is answered 407. */
export async function startConnectProxy(options: ConnectProxyOptions = {}): Promise<ConnectProxy> {
  const { credentials, tls, hosts = {} } = options;
  const asked: string[] = [];
  const sockets = new Set<Duplex>();
  const server: Server = tls === undefined ? createHttp() : createHttps({ ...tls });
  const wanted = credentials && `Basic ${Buffer.from(credentials).toString("base64")}`;
  server.on("connect", (request: IncomingMessage, near: Duplex, head: Buffer) => {
    const [host = "", port = ""] = (request.url ?? "").split(/:(?=\d+$)/);
    const isWelcome = wanted === undefined || request.headers["proxy-authorization"] === wanted;
    asked.push(`${request.url} ${isWelcome ? 200 : 407}`);
    if (!isWelcome) {
      near.end("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    const far = connect(Number(port), hosts[host] ?? host, () => {
      near.write("HTTP/1.1 200 Connection established\r\n\r\n");
      far.write(head);
      pipeline(near, far, () => undefined);
      pipeline(far, near, () => undefined);
    });
    far.on("error", () => near.end("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"));
    near.on("error", () => far.destroy());
    sockets.add(near).add(far);
  });
  server.on("connection", (socket: Socket) => sockets.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
