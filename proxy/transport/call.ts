import type { Readable, Writable } from "node:stream";
import type { RawHeaders } from "../raw-headers.ts";

/** What goes to the upstream, without its body. */
export interface UpstreamRequest {
  readonly method: string;
  /** Path and query, sent byte for byte. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: RawHeaders;
  readonly hasBody: boolean;
  /** Called for each interim answer, 1xx. */
  readonly onInformation: (status: number, headers: RawHeaders) => void;
}

export interface UpstreamResponse {
  readonly status: number;
  readonly headers: RawHeaders;
  /** `undefined` when the answer ended with its head. */
  readonly body: Readable | undefined;
  /** The fields after the body, once it has ended. */
  trailers(): RawHeaders;
  /** True when the body ended because the connection or stream was cut. Ask once it has ended. */
  isCut(): boolean;
}

/** One request on its way. */
export interface UpstreamCall {
  /** Takes the body; ended already when there is none. Emits `aborted` when no more of it is wanted. */
  readonly body: Writable;
  /** Fields to send after the body. Call it before the body ends. */
  trailers(fields: RawHeaders): void;
  /**
   * The answer. Rejects with a ProxyError: `upstream_lost`, `upstream_refused` or `bad_response`.
   */
  readonly response: Promise<UpstreamResponse>;
  /** Tells the upstream at once that nobody wants the answer any more. */
  cancel(): void;
}
