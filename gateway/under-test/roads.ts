import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { type ClientHttp2Session, connect as connectH2 } from "node:http2";
import { Agent, request as requestHttps } from "node:https";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import type { GatewayBed } from "../gateway-bed.ts";

/** A whole answer. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  readonly trailers: Readonly<Record<string, string | string[] | undefined>>;
}

/** One request; without a method, GET. */
export interface Call {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Iterable<Buffer> | AsyncIterable<Buffer>;
}

/** One way in: where, and with which credential. */
export interface Road {
  readonly origin: string;
  readonly ca: string | Buffer;
  readonly pair?: { readonly cert: Buffer; readonly key: Buffer };
  readonly headers?: Readonly<Record<string, string>>;
}

/** Asks, and waits for the whole answer. Rejects when it is not whole. */
export type Client = (call: Call) => Promise<Answer>;

/** Each call on a connection of its own. */
export function h1Client({ origin, ca, pair, headers: own }: Road): Client {
  return async ({ path, method = "GET", headers, body }) => {
    const { hostname: host, port } = new URL(origin);
    // Not as a URL, whose dot segments would be gone before they are sent.
    const request = requestHttps({
      host,
      port,
      path,
      method,
      ca,
      ...pair,
      headers: { ...own, ...headers },
      agent: new Agent({ keepAlive: false }),
    });
    const answered = once(request, "response") as Promise<[IncomingMessage]>;
    if (body === undefined) request.end();
    else void pipeline(Readable.from(body), request).catch(() => undefined);
    const [response] = await answered;
    const bytes = await buffer(response);
    if (!response.complete) throw new Error("The answer was cut");
    const { statusCode = 0, trailers } = response;
    return { status: statusCode, headers: response.headers, body: bytes, trailers };
  };
}

/** A session of HTTP/2 that ends with the test. */
export function h2Session({ origin, ca, pair }: Road): ClientHttp2Session & Disposable {
  // Node counts what a stream did not get to send against the session for ever.
  const session = connectH2(origin, { ca, ...pair, maxSessionMemory: 2 ** 32 - 1 });
  session.on("error", () => undefined);
  return Object.assign(session, { [Symbol.dispose]: () => session.destroy() });
}

/** All calls on one session. */
export function h2Client(
  session: ClientHttp2Session,
  own: Readonly<Record<string, string>> = {},
): Client {
  return async ({ path, method = "GET", headers, body }) => {
    const stream = session.request(
      { ":path": path, ":method": method, te: "trailers", ...own, ...headers },
      { endStream: body === undefined },
    );
    let trailers: Answer["trailers"] = {};
    stream.on("trailers", (fields) => {
      trailers = fields;
    });
    const answered = once(stream, "response") as Promise<[Answer["headers"]]>;
    if (body !== undefined) void pipeline(Readable.from(body), stream).catch(() => undefined);
    const [head] = await answered;
    const bytes = await buffer(stream);
    if (stream.rstCode !== 0) throw new Error(`The answer was cut: ${stream.rstCode}`);
    return { status: Number(head[":status"]), headers: head, body: bytes, trailers };
  };
}

/** Both ways to a bed's gateway, for somebody who may do all on the hub. */
export async function openRoads(
  bed: GatewayBed,
  { caPem }: { readonly caPem: string },
): Promise<Record<"hub" | "door", Road>> {
  const pki = async (name: string) => readFile(`${bed.hub.pkiDirectory}/${name}`);
  const [ca, cert, key] = await Promise.all([pki("ca.crt"), pki("admin.crt"), pki("admin.key")]);
  const authorization = `Bearer ${await bed.callerToken("caller")}`;
  return {
    hub: { origin: bed.hub.server, ca, pair: { cert, key } },
    door: { origin: `https://localhost:${bed.port}`, ca: caPem, headers: { authorization } },
  };
}
