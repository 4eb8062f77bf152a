import { Agent, type ClientRequest, type IncomingMessage, request as sendRequest } from "node:http";
import type { Duplex } from "node:stream";
import { ProxyError } from "../proxy-error.ts";
import { fieldsOf, headerValues } from "../raw-headers.ts";
import type { UpstreamCall, UpstreamRequest, UpstreamResponse } from "./call.ts";
import type { Connection } from "./connect.ts";

export interface H1Options {
  readonly authority: string;
  /** Opens a connection that speaks HTTP/1.1; one that retires is not used again. */
  readonly open: () => Promise<Pick<Connection, "socket" | "retiring">>;
  readonly maxConnections: number;
  readonly idleTimeoutMs: number;
}

/** Kept-alive connections of HTTP/1.1, one request at a time on each. */
export interface H1Connections {
  call(request: UpstreamRequest): UpstreamCall;
  /** Keeps no connection from now on; requests under way go on. */
  close(): void;
  /** Ends all connections at once. */
  destroy(): void;
}

/** Makes an empty set of connections; they open as requests need them. */
export function createH1Connections(options: H1Options): H1Connections {
  const agent = new DialAgent(options);
  const calls = new Set<ClientRequest>();
  let isClosed = false;
  return {
    call(request) {
      const outgoing = sendRequest({
        agent: isClosed ? new DialAgent({ ...options, idleTimeoutMs: 1 }) : agent,
        method: request.method,
        path: request.path,
        headers: h1Headers(options.authority, request),
        setHost: false,
      });
      calls.add(outgoing);
      outgoing.once("close", () => calls.delete(outgoing));
      return callOn(outgoing, request);
    },
    close() {
      isClosed = true;
      for (const sockets of Object.values(agent.freeSockets)) {
        for (const socket of sockets ?? []) socket.destroy();
      }
    },
    destroy() {
      for (const outgoing of calls) outgoing.destroy();
      agent.destroy();
    },
  };
}

/** Gets its connections from our dialler instead of the network. */
class DialAgent extends Agent {
  readonly #open: H1Options["open"];
  readonly #retired = new WeakSet<Duplex>();

  constructor({ open, maxConnections, idleTimeoutMs }: H1Options) {
    super({ keepAlive: true, maxSockets: maxConnections, timeout: idleTimeoutMs });
    this.#open = open;
  }

  override createConnection(
    _options: unknown,
    done: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    this.#open().then(
      ({ socket, retiring }) => {
        if (retiring.aborted) this.#retired.add(socket);
        else retiring.addEventListener("abort", () => this.#retire(socket), { once: true });
        done(null, socket);
      },
      (error: unknown) => done(error as Error, undefined as unknown as Duplex),
    );
  }

  /** Node asks when a request has ended: whether the next one may have its connection. */
  override keepSocketAlive(socket: Duplex): boolean {
    if (this.#retired.has(socket)) return false;
    // Typed as one that returns nothing, and its answer counts all the same.
    return (super.keepSocketAlive as (socket: Duplex) => boolean)(socket);
  }

  #retire(socket: Duplex): void {
    this.#retired.add(socket);
    const free = Object.values(this.freeSockets).flatMap((sockets) => sockets ?? []);
    if (free.some((one) => one === socket)) socket.destroy();
  }
}

/** Sends one request on a connection of its own, for an upgrade. */
export function requestOn(
  socket: Duplex,
  authority: string,
  request: UpstreamRequest,
): ClientRequest {
  return sendRequest({
    createConnection: () => socket,
    method: request.method,
    path: request.path,
    headers: h1Headers(authority, request),
    setHost: false,
  });
}

/** HTTP/1.1 wants cookies in one field, and a body of unknown length announced as chunked. */
function h1Headers(authority: string, { headers, hasBody }: UpstreamRequest): string[] {
  const cookies = headerValues(headers, "cookie");
  const fields: string[] = ["host", authority];
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] ?? "";
    if (name !== "cookie" || cookies.length === 1) fields.push(name, headers[at + 1] ?? "");
  }
  if (cookies.length > 1) fields.push("cookie", cookies.join("; "));
  if (hasBody && headerValues(headers, "content-length").length === 0) {
    fields.push("transfer-encoding", "chunked");
  }
  return fields;
}

function callOn(outgoing: ClientRequest, request: UpstreamRequest): UpstreamCall {
  const call: UpstreamCall = {
    body: outgoing,
    trailers: (fields) => outgoing.addTrailers([...fieldsOf(fields)]),
    response: h1Response(outgoing, request),
    cancel: () => {
      outgoing.destroy();
    },
  };
  if (request.hasBody) outgoing.flushHeaders();
  else outgoing.end();
  return call;
}

/** The answer to a request of HTTP/1.1. Rejects as {@link UpstreamCall.response} does. */
export function h1Response(
  outgoing: ClientRequest,
  { onInformation }: Pick<UpstreamRequest, "onInformation">,
): Promise<UpstreamResponse> {
  const answer = Promise.withResolvers<UpstreamResponse>();
  let failure: unknown;
  outgoing.on("information", ({ statusCode, rawHeaders }) => {
    onInformation(statusCode, rawHeaders);
  });
  outgoing.on("error", (error) => {
    failure = error;
  });
  // Whoever cancels does not wait for the answer, and its loss is then nobody's news.
  answer.promise.catch(() => undefined);
  let isAnswered = false;
  outgoing.once("close", () => {
    if (!isAnswered) answer.reject(lossOf(failure));
  });
  outgoing.once("response", (response) => {
    isAnswered = true;
    answer.resolve(responseFrom(response));
  });
  return answer.promise;
}

function responseFrom(response: IncomingMessage): UpstreamResponse {
  // What goes wrong later shows in `complete`, once the body has ended.
  response.on("error", () => undefined);
  return {
    status: response.statusCode ?? 502,
    headers: response.rawHeaders,
    body: response,
    trailers: () => response.rawTrailers,
    isCut: () => !response.complete,
  };
}

function lossOf(cause: unknown): ProxyError {
  const isBroken = cause instanceof Error && "bytesParsed" in cause;
  if (isBroken) return new ProxyError("bad_response", "Upstream broke the protocol", { cause });
  return ProxyError.from(cause, "upstream_lost", "Connection ended before an answer");
}
