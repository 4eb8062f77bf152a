import type {
  ClientHttp2Session,
  IncomingHttpHeaders,
  OutgoingHttpHeaders,
  ServerHttp2Stream,
} from "node:http2";
import type { CloseDial, DialRequest, DialResponse } from "../wire/packet.ts";
import { rawHeaders, rawPaths, readId, readText, writeText } from "./raw-headers.ts";
import { RawStream } from "./raw-stream.ts";
import { headers } from "./services.ts";

const ok = 200;
const unauthorized = 401;
const badGateway = 502;

/** A frontend's dial and, if it succeeds, its connection. The dial is on its way already. */
export function openRawProxy(
  session: ClientHttp2Session,
  { address, dialId }: Pick<DialRequest, "address" | "dialId">,
): RawStream {
  const stream = open(session, rawPaths.proxy, { [rawHeaders.address]: writeText(address) });
  const raw = new RawStream(stream, { closing: "asks", dialId, connectionId: 0n });
  stream.on("response", (answer) => raw.deliver(readAnswer(answer, dialId)));
  return raw;
}

/** The server's end of what a frontend opened, and what it dials. */
export function acceptRawProxy(
  stream: ServerHttp2Stream,
  sent: IncomingHttpHeaders,
): { readonly raw: RawStream; readonly request: DialRequest } {
  const dialId = 1n;
  const raw = new RawStream(stream, {
    closing: "confirms",
    dialId,
    connectionId: 0n,
    onAnswer: (answer) => respond(stream, answer),
  });
  const address = readText(sent[rawHeaders.address]) ?? "";
  const request = { type: "dialRequest", protocol: "tcp", address, dialId } as const;
  return { raw, request: { ...request, canHalfClose: true } };
}

/** What an agent answers a dial with, when the answer opens a stream. */
export type CarrierAnswer = Pick<DialResponse, "dialId" | "connectionId" | "earlyBytes">;

/** An agent's connection, whose target has been reached: the answer to the dial is on its way. */
export function openRawCarrier(
  session: ClientHttp2Session,
  sessionId: string,
  { dialId, connectionId, earlyBytes = 0 }: CarrierAnswer,
): RawStream {
  const stream = open(session, rawPaths.carry, {
    [headers.session]: sessionId,
    [rawHeaders.dialId]: String(dialId),
    [rawHeaders.connectionId]: String(connectionId),
    [rawHeaders.earlyBytes]: String(earlyBytes),
  });
  const raw = new RawStream(stream, { closing: "confirms", dialId, connectionId });
  stream.on("response", (answer) => {
    if (answer[":status"] !== ok) raw.cancel();
  });
  return raw;
}

/** The server's end of what an agent opened, and the answer that it opened it with. */
export function acceptRawCarrier(
  stream: ServerHttp2Stream,
  sent: IncomingHttpHeaders,
): { readonly raw: RawStream; readonly answer: DialResponse } {
  const connectionId = readId(sent, rawHeaders.connectionId);
  const dialId = readId(sent, rawHeaders.dialId);
  const earlyBytes = Number(readId(sent, rawHeaders.earlyBytes));
  stream.respond({ ":status": ok });
  const raw = new RawStream(stream, { closing: "asks", dialId, connectionId });
  const answer = { type: "dialResponse", dialId, connectionId, error: "" } as const;
  return { raw, answer: { ...answer, canHalfClose: true, earlyBytes } };
}

/** Refuses a stream of an agent that is not known. */
export function refuseRawCarrier(stream: ServerHttp2Stream): void {
  stream.on("error", () => undefined);
  stream.respond({ ":status": unauthorized }, { endStream: true });
  stream.resume();
}

function open(session: ClientHttp2Session, path: string, more: OutgoingHttpHeaders) {
  const request = { ":method": "POST", ":path": path, ...more };
  return session.request(request, { endStream: false });
}

function respond(stream: ServerHttp2Stream, answer: DialResponse | CloseDial): void {
  if (stream.destroyed || stream.closed || stream.headersSent) return;
  const error = answer.type === "closeDial" ? "dial closed" : answer.error;
  if (error !== "" || answer.type === "closeDial") {
    stream.respond(
      { ":status": badGateway, [rawHeaders.error]: writeText(error) },
      { endStream: true },
    );
    return;
  }
  stream.respond({
    ":status": ok,
    [rawHeaders.connectionId]: String(answer.connectionId),
    ...(answer.canHalfClose === true && { [rawHeaders.halfClose]: "1" }),
    ...(answer.backendId !== undefined && { [rawHeaders.backend]: String(answer.backendId) }),
  });
}

function readAnswer(answer: IncomingHttpHeaders, dialId: bigint): DialResponse {
  const connectionId = readId(answer, rawHeaders.connectionId);
  const said = readText(answer[rawHeaders.error]);
  const error = said ?? (connectionId === 0n ? "the tunnel server refused the stream" : "");
  const canHalfClose = answer[rawHeaders.halfClose] === "1";
  const backendId = readId(answer, rawHeaders.backend);
  return { type: "dialResponse", dialId, connectionId, error, canHalfClose, backendId };
}
