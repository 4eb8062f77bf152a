import { connect } from "node:net";
import { createFront, createTransport, forward, type RawHeaders } from "#proxy";
import { silentLogger } from "#runtime";

export interface WatchedApiOptions {
  /** The API server behind it. */
  readonly server: string;
  readonly caPem: string;
  /** What it serves with. */
  readonly cert: Buffer;
  readonly key: Buffer;
  /** Told the fields of each request, the path as `:path`, before it goes on. */
  readonly onRequest: (fields: Record<string, string>) => void;
}

/** For tests: a port that is an API server's, and shows what that one is sent. */
export async function startWatchedApi({
  server,
  caPem,
  cert,
  key,
  onRequest,
}: WatchedApiOptions): Promise<AsyncDisposable & { readonly port: number }> {
  const { host, hostname, port } = new URL(server);
  const target = { host: hostname, port: Number(port), allowHalfOpen: true };
  const transport = createTransport({
    authority: host,
    dial: () => Promise.resolve(connect(target)),
    tls: { ca: caPem, serverName: hostname },
  });
  const front = createFront({
    host: "127.0.0.1",
    port: 0,
    tls: { cert, key },
    handle(exchange) {
      onRequest({ ":path": exchange.target, ...joined(exchange.headers) });
      const requestHeaders = { isDropped: () => false };
      const plan = { transport: () => transport, path: exchange.target, requestHeaders };
      forward(exchange, plan).catch(() => exchange.cut());
    },
    log: silentLogger,
    drainMs: 0,
  });
  const stop = new AbortController();
  const ended = front.run(stop.signal);
  return {
    port: await front.port,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
      transport.destroy();
    },
  };
}

/** Names in lower case; several values of one name in one text. */
function joined(headers: RawHeaders): Record<string, string> {
  const fields: Record<string, string> = {};
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = (headers[at] ?? "").toLowerCase();
    fields[name] = [fields[name], headers[at + 1]].filter((text) => text !== undefined).join(", ");
  }
  return fields;
}
