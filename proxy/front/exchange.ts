import type { Duplex, Readable, Writable } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { RawHeaders } from "../raw-headers.ts";

/** The connection that requests come on. One object for each connection, so it may key a cache. */
export interface Peer {
  readonly address: string | undefined;
  /** For its certificate only; never read from it or write to it. */
  readonly tls: Pick<TLSSocket, "authorized" | "getPeerX509Certificate" | "getPeerCertificate">;
}

/** Status and fields of an answer. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: RawHeaders;
}

/** Where the body of an answer goes. */
export interface BodySink {
  readonly stream: Writable;
  /** Fields to send after the body. Call it before the stream ends. */
  trailers(fields: RawHeaders): void;
}

/**
 * One request and its answer, whatever version of HTTP the client speaks.
 *
 * Answer it once: with {@link respond}, {@link answer}, {@link switchProtocols}, or by
 * {@link cut}. Once the client is gone, answering does nothing.
 */
export interface Exchange {
  readonly method: string;
  /** Path and query as they were sent. */
  readonly target: string;
  /** Without the pseudo fields of HTTP/2. */
  readonly headers: RawHeaders;
  /** The `Host` or `:authority` that the client asked for. */
  readonly authority: string;
  readonly protocol: "http/1.1" | "h2";
  readonly peer: Peer;
  /** `undefined` for a request that carries none. */
  readonly body: Readable | undefined;
  /** The fields after the body, once it has ended. */
  requestTrailers(): RawHeaders;
  /** True when the body ended because the client cut it. Ask once it has ended. */
  isBodyCut(): boolean;
  /** The protocol of an upgrade, as the client spelled it. */
  readonly upgrade: string | undefined;
  readonly isAnswered: boolean;
  readonly isGone: boolean;
  /** Calls back once, when the client leaves before the answer is complete. */
  onGone(listener: () => void): void;
  /** An interim answer, 1xx. */
  inform(head: ResponseHead): void;
  /** Sends the head at once and returns the sink of the body; without a body the answer is complete. */
  respond(head: ResponseHead, hasBody: boolean): BodySink | undefined;
  /** Sends a whole answer. */
  answer(head: ResponseHead, body?: string | Buffer): void;
  /** Answers an upgrade with 101 and hands over the connection. */
  switchProtocols(headers: RawHeaders): Duplex;
  /** Ends the answer so that the client cannot take it for complete. */
  cut(): void;
}

/** A signal that aborts when the client of an exchange leaves. */
export function goneSignal(exchange: Exchange): AbortSignal {
  const controller = new AbortController();
  exchange.onGone(() => controller.abort());
  return controller.signal;
}

/** True for answers that never have a body, whatever their fields say. */
export function isBodyless(method: string, status: number): boolean {
  return method === "HEAD" || status === 204 || status === 304;
}
