import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type BodySink, type Exchange, goneSignal } from "./front/exchange.ts";
import {
  forwardRequestHeaders,
  forwardResponseHeaders,
  type HeaderPolicy,
} from "./header-policy.ts";
import { ProxyError } from "./proxy-error.ts";
import { headerValue, type RawHeaders } from "./raw-headers.ts";
import { type BodySource, joinStreams, relayBody } from "./relay.ts";
import type { UpstreamCall, UpstreamRequest, UpstreamResponse } from "./transport/call.ts";
import { h1Response, requestOn } from "./transport/h1-connections.ts";
import type { Transport } from "./transport/transport.ts";
import { treatmentOf } from "./treatment.ts";

/** Where one request goes, and in what shape. */
export interface ForwardPlan {
  /** Asked again for each attempt, since a transport may be retired while a request waits. */
  readonly transport: () => Transport;
  /** Path and query for the upstream, as `forwardPath` made it. */
  readonly path: string;
  readonly requestHeaders?: HeaderPolicy;
  readonly responseHeaders?: HeaderPolicy;
  /**
   * How long the head of the answer may take once the request is sent. Without it there is no
   * limit, as for a watch or a log that is followed. The body never has one.
   */
  readonly responseTimeoutMs?: number;
  /**
   * For an answer whose reader goes on where it ended, such as a watch: it ends properly where the
   * upstream breaks off, and once this aborts. Without it, an answer that is not whole is cut.
   */
  readonly mayEnd?: AbortSignal;
  /** Called with the status once the answer begins; 101 for an upgrade. */
  readonly onAnswer?: (status: number) => void;
  /** Counts the bytes of both bodies, or of both ways of an upgrade, as they pass. */
  readonly traffic?: Traffic;
}

/** Bytes of bodies that have passed. */
export interface Traffic {
  /** From the client. */
  received: number;
  /** To the client. */
  sent: number;
}

export interface ForwardOutcome {
  readonly status: number;
  /** False when the client left or the upstream broke off before the end. */
  readonly isComplete: boolean;
}

/**
 * Sends an exchange to its upstream and the answer back: streamed both ways, each chunk at once,
 * no faster than the slower side. An upgrade gets a connection of its own.
 *
 * Throws a ProxyError while nothing has been answered, so that the caller can answer. After that,
 * failures cut the answer and show in the outcome. A request that was certainly not seen, or that
 * has no body and an idempotent method, is sent once more when its connection dies.
 */
export async function forward(exchange: Exchange, plan: ForwardPlan): Promise<ForwardOutcome> {
  const send = exchange.upgrade === undefined ? forwardOnce : forwardUpgrade;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await send(exchange, plan);
    } catch (reason) {
      const error = ProxyError.from(reason, "upstream_lost", "Cannot send to the upstream");
      if (exchange.isGone) throw goneError(error);
      if (attempt > 1 || !isRepeatable(exchange, error)) throw error;
    }
  }
}

const idempotent = new Set(["GET", "HEAD", "OPTIONS"]);

function isRepeatable({ body, method, upgrade }: Exchange, error: ProxyError): boolean {
  // Part of the body may be gone already, and none of it is kept.
  if (body !== undefined || upgrade !== undefined) return false;
  const { isRepeatable, isUnsent } = treatmentOf(error);
  return isRepeatable && (isUnsent || idempotent.has(method));
}

async function forwardOnce(exchange: Exchange, plan: ForwardPlan): Promise<ForwardOutcome> {
  const request = upstreamRequest(exchange, plan, []);
  const transport = plan.transport();
  const call = transport.tryCall(request) ?? (await transport.call(request, goneSignal(exchange)));
  exchange.onGone(() => call.cancel());
  if (exchange.isGone) throw goneError();
  sendBody(exchange, call, plan.traffic);
  const response = await responseWithin(exchange, call, plan.responseTimeoutMs);
  return relayResponse(exchange, plan, response, () => call.cancel());
}

async function forwardUpgrade(exchange: Exchange, plan: ForwardPlan): Promise<ForwardOutcome> {
  const transport = plan.transport();
  const { socket } = await transport.connect(goneSignal(exchange));
  const cancel = () => {
    socket.destroy();
  };
  exchange.onGone(cancel);
  const upgrade = ["connection", "Upgrade", "upgrade", exchange.upgrade ?? ""];
  const request = upstreamRequest(exchange, plan, upgrade);
  const outgoing = requestOn(socket, transport.authority, request);
  const switched = Promise.withResolvers<Switched>();
  outgoing.once("upgrade", (answer: IncomingMessage, raw: Duplex, head: Buffer) => {
    switched.resolve({ headers: answer.rawHeaders, raw, head });
  });
  outgoing.end();
  try {
    const answer = await Promise.race([switched.promise, h1Response(outgoing, request)]);
    if (!("raw" in answer)) return await relayResponse(exchange, plan, answer, cancel);
    await relaySwitched(exchange, plan, answer);
    return { status: 101, isComplete: true };
  } catch (error) {
    cancel();
    throw error;
  }
}

interface Switched {
  readonly headers: RawHeaders;
  readonly raw: Duplex;
  readonly head: Buffer;
}

async function relaySwitched(
  exchange: Exchange,
  plan: ForwardPlan,
  { headers, raw, head }: Switched,
): Promise<void> {
  if (head.length > 0) raw.unshift(head);
  const protocol = headerValue(headers, "upgrade") ?? exchange.upgrade ?? "";
  const client = exchange.switchProtocols([
    ...forwardResponseHeaders(headers, plan.responseHeaders),
    "connection",
    "Upgrade",
    "upgrade",
    protocol,
  ]);
  plan.onAnswer?.(101);
  const { traffic } = plan;
  if (traffic !== undefined) {
    client.on("data", (chunk: Buffer) => void (traffic.received += chunk.length));
    raw.on("data", (chunk: Buffer) => void (traffic.sent += chunk.length));
  }
  await joinStreams(client, raw);
}

function upstreamRequest(
  exchange: Exchange,
  { path, requestHeaders }: ForwardPlan,
  upgrade: RawHeaders,
): UpstreamRequest {
  const { address } = exchange.peer;
  return {
    method: exchange.method,
    path,
    headers: [...forwardRequestHeaders(exchange.headers, requestHeaders, address), ...upgrade],
    hasBody: exchange.body !== undefined,
    onInformation: (status, headers) => {
      exchange.inform({ status, headers: forwardResponseHeaders(headers) });
    },
  };
}

function sendBody(exchange: Exchange, call: UpstreamCall, traffic: Traffic | undefined): void {
  const { body } = exchange;
  if (body === undefined) return;
  // A body that the client broke off must not reach the upstream as a whole one.
  body.once("error", () => call.cancel());
  body.once("end", () => {
    if (exchange.isBodyCut()) {
      call.cancel();
      return;
    }
    const trailers = exchange.requestTrailers();
    if (trailers.length > 0) call.trailers(forwardRequestHeaders(trailers));
    call.body.end();
  });
  if (traffic !== undefined) {
    body.on("data", (chunk: Buffer) => void (traffic.received += chunk.length));
  }
  // Who has answered may want no more of it: to write on would break off the answer.
  call.body.once("aborted", () => {
    body.unpipe(call.body);
    body.resume();
  });
  body.pipe(call.body, { end: false });
}

async function responseWithin(
  exchange: Exchange,
  call: UpstreamCall,
  timeoutMs: number | undefined,
): Promise<UpstreamResponse> {
  if (timeoutMs === undefined) return call.response;
  const late = Promise.withResolvers<never>();
  let timer: NodeJS.Timeout | undefined;
  const begin = () => {
    timer = setTimeout(() => {
      const message = `No answer after ${timeoutMs / 1000} s`;
      late.reject(new ProxyError("response_timeout", message));
      call.cancel();
    }, timeoutMs);
  };
  if (exchange.body === undefined || exchange.body.readableEnded) begin();
  else exchange.body.once("end", begin);
  try {
    return await Promise.race([call.response, late.promise]);
  } finally {
    exchange.body?.off("end", begin);
    clearTimeout(timer);
  }
}

async function relayResponse(
  exchange: Exchange,
  plan: ForwardPlan,
  response: UpstreamResponse,
  cancel: () => void,
): Promise<ForwardOutcome> {
  const { status } = response;
  plan.onAnswer?.(status);
  const headers = forwardResponseHeaders(response.headers, plan.responseHeaders);
  const sink = exchange.respond({ status, headers }, response.body !== undefined);
  if (response.body === undefined || sink === undefined) {
    response.body?.resume();
    return { status, isComplete: !exchange.isGone };
  }
  const source = {
    stream: response.body,
    trailers: () => forwardResponseHeaders(response.trailers()),
    isCut: () => response.isCut(),
  };
  const { traffic } = plan;
  if (traffic !== undefined) {
    response.body.on("data", (chunk: Buffer) => void (traffic.sent += chunk.length));
  }
  const isComplete = await relayUntil(plan.mayEnd, source, sink, cancel);
  if (!isComplete) {
    cancel();
    breakOff(exchange, sink, plan.mayEnd);
  }
  // An answer may come before the whole request: the rest of it is read and forgotten.
  exchange.body?.resume();
  return { status, isComplete };
}

/** Copies a body to its end, or until it is asked to end there. */
async function relayUntil(
  mayEnd: AbortSignal | undefined,
  source: BodySource,
  sink: BodySink,
  cancel: () => void,
): Promise<boolean> {
  if (mayEnd === undefined) return relayBody(source, sink);
  mayEnd.addEventListener("abort", cancel);
  if (mayEnd.aborted) cancel();
  const isComplete = await relayBody(source, sink);
  mayEnd.removeEventListener("abort", cancel);
  return isComplete;
}

function breakOff(exchange: Exchange, sink: BodySink, mayEnd: AbortSignal | undefined): void {
  if (mayEnd === undefined || exchange.isGone) exchange.cut();
  else sink.stream.end();
}

function goneError(cause?: unknown): ProxyError {
  return new ProxyError("client_gone", "The client left before the answer", { cause });
}
