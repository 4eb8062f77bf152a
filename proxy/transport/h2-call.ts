import { type ClientHttp2Session, type ClientHttp2Stream, constants } from "node:http2";
import { ProxyError } from "../proxy-error.ts";
import { headerRecord, type RawHeaders } from "../raw-headers.ts";
import type { UpstreamCall, UpstreamRequest, UpstreamResponse } from "./call.ts";

/** No DATA will follow: the flag on the HEADERS frame of an answer without a body. */
const endStream = 0x1;

/** Sends a request on a session. Throws what `node:http2` throws if the session is gone. */
export function callOnH2(
  session: ClientHttp2Session,
  { scheme, authority }: { readonly scheme: string; readonly authority: string },
  request: UpstreamRequest,
): { readonly call: UpstreamCall; readonly stream: ClientHttp2Stream } {
  const hasTrailers = request.hasBody && request.headers.includes("trailer");
  const stream = session.request(
    [
      ":method",
      request.method,
      ":scheme",
      scheme,
      ":authority",
      authority,
      ":path",
      request.path,
      ...request.headers,
    ],
    { endStream: !request.hasBody, waitForTrailers: hasTrailers },
  );
  let trailers: RawHeaders = [];
  if (hasTrailers) {
    stream.once("wantTrailers", () => stream.sendTrailers(headerRecord(trailers)));
  }
  const call: UpstreamCall = {
    body: stream,
    trailers: (fields) => {
      trailers = fields;
    },
    response: responseOf(stream, request),
    cancel: () => cancel(stream),
  };
  return { call, stream };
}

function responseOf(
  stream: ClientHttp2Stream,
  { onInformation }: UpstreamRequest,
): Promise<UpstreamResponse> {
  const answer = Promise.withResolvers<UpstreamResponse>();
  let failure: unknown;
  let trailers: RawHeaders = [];
  stream.on("headers", (headers, _flags, raw) => {
    onInformation(headers[":status"] ?? 100, withoutPseudo(raw));
  });
  stream.once("trailers", (_headers, _flags, raw) => {
    trailers = raw;
  });
  stream.on("error", (error) => {
    failure = error;
  });
  // Whoever cancels does not wait for the answer, and its loss is then nobody's news.
  answer.promise.catch(() => undefined);
  let isAnswered = false;
  stream.once("close", () => {
    if (!isAnswered) answer.reject(lossOf(stream, failure));
  });
  stream.once("response", (headers, flags, raw) => {
    isAnswered = true;
    answer.resolve({
      status: headers[":status"] ?? 502,
      headers: withoutPseudo(raw),
      body: (flags & endStream) === 0 ? stream : undefined,
      trailers: () => trailers,
      // Not `aborted`: a server that has answered may refuse the rest of the body, without an error.
      isCut: () => failure !== undefined || stream.rstCode !== 0,
    });
  });
  return answer.promise;
}

/** Node's `close` ends an open body properly before it resets, and half a body looks whole then. */
function cancel(stream: ClientHttp2Stream): void {
  if (stream.destroyed) return;
  if (stream.writableEnded) stream.close(constants.NGHTTP2_CANCEL);
  else stream.destroy(new Error("Request was cancelled"));
}

function lossOf(stream: ClientHttp2Stream, cause: unknown): ProxyError {
  if (stream.rstCode === constants.NGHTTP2_REFUSED_STREAM) {
    return new ProxyError("upstream_refused", "Upstream refused the request", { cause });
  }
  return stream.rstCode === constants.NGHTTP2_PROTOCOL_ERROR
    ? new ProxyError("bad_response", "Upstream broke the protocol", { cause })
    : new ProxyError("upstream_lost", "Connection ended before an answer", { cause });
}

function withoutPseudo(raw: RawHeaders): RawHeaders {
  return raw[0]?.startsWith(":") === true ? raw.slice(2) : raw;
}
