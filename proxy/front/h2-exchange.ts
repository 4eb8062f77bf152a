import type { ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import { headerRecord, headerValue, type RawHeaders } from "../raw-headers.ts";
import {
  type BodySink,
  type Exchange,
  isBodyless,
  type Peer,
  type ResponseHead,
} from "./exchange.ts";

/** DATA will not follow: the flag on the HEADERS frame of a request without a body. */
const endStream = 0x1;

/** An {@link Exchange} on a stream of HTTP/2. */
export class H2Exchange implements Exchange {
  readonly protocol = "h2";
  readonly upgrade = undefined;
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  readonly headers: RawHeaders;
  readonly peer: Peer;
  readonly body: ServerHttp2Stream | undefined;
  readonly #stream: ServerHttp2Stream;
  #trailers: RawHeaders = [];
  #isComplete = false;

  constructor(stream: ServerHttp2Stream, raw: RawHeaders, flags: number, peer: Peer) {
    const { pseudo, fields } = separate(raw);
    this.method = pseudo.get(":method") ?? "";
    this.target = pseudo.get(":path") ?? "";
    this.authority = pseudo.get(":authority") ?? headerValue(raw, "host") ?? "";
    this.headers = fields;
    this.peer = peer;
    this.body = (flags & endStream) === 0 ? stream : undefined;
    this.#stream = stream;
    // A stream error means that the client left or broke the protocol; `close` follows and tells.
    stream.on("error", () => undefined);
    // A stream that nobody reads never notices that it was reset.
    if (this.body === undefined) stream.resume();
    else {
      stream.on("trailers", (_headers: unknown, _flags: number, fields: string[]) => {
        this.#trailers = fields;
      });
    }
  }

  get isAnswered(): boolean {
    return this.#stream.headersSent;
  }

  get isGone(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }

  requestTrailers(): RawHeaders {
    return this.#trailers;
  }

  isBodyCut(): boolean {
    return this.#stream.aborted || this.#stream.rstCode !== 0;
  }

  onGone(listener: () => void): void {
    if (this.isGone && !this.#isComplete) {
      listener();
      return;
    }
    this.#stream.once("close", () => {
      if (!this.#isComplete) listener();
    });
  }

  inform({ status, headers }: ResponseHead): void {
    if (this.isGone || this.#stream.headersSent) return;
    this.#stream.additionalHeaders({ ":status": status, ...headerRecord(headers) });
  }

  respond({ status, headers }: ResponseHead, hasBody: boolean): BodySink | undefined {
    if (this.isGone) return undefined;
    const isEmpty = !hasBody || isBodyless(this.method, status);
    // Trailers cost a frame of their own, so only what may have some waits for them.
    const waitForTrailers = !isEmpty && headerValue(headers, "content-length") === undefined;
    const fields = [":status", String(status), ...headers];
    if (isEmpty) this.#complete();
    this.#stream.respond(fields, { endStream: isEmpty, waitForTrailers });
    if (isEmpty) return undefined;
    return this.#sink(waitForTrailers);
  }

  answer(head: ResponseHead, body: string | Buffer = ""): void {
    const length = String(Buffer.byteLength(body));
    const headers = [...head.headers, "content-length", length];
    this.respond({ status: head.status, headers }, length !== "0")?.stream.end(body);
  }

  switchProtocols(): Duplex {
    throw new TypeError("Cannot switch protocols on a stream of HTTP/2");
  }

  cut(): void {
    // Node's `close` ends the body properly before it resets, and half a body looks whole then.
    this.#stream.destroy(new Error("Answer was cut"));
  }

  #sink(waitForTrailers: boolean): BodySink {
    let trailers: RawHeaders = [];
    this.#stream.once("finish", () => {
      // Node also says so of a stream that was reset.
      if (this.#stream.rstCode === 0) this.#complete();
    });
    if (waitForTrailers) {
      this.#stream.once("wantTrailers", () => {
        if (!this.#stream.destroyed) this.#stream.sendTrailers(headerRecord(trailers));
      });
    }
    return {
      stream: this.#stream,
      trailers: (fields) => {
        trailers = fields;
      },
    };
  }

  #complete(): void {
    this.#isComplete = true;
    // What is left of a body that nobody read must not hold the stream open.
    if (this.body?.readableEnded === false) this.body.resume();
  }
}

function separate(raw: RawHeaders): { pseudo: Map<string, string>; fields: RawHeaders } {
  const pseudo = new Map<string, string>();
  let at = 0;
  // Pseudo fields come first; the HTTP/2 library has refused every other order.
  for (; raw[at]?.startsWith(":") === true; at += 2) pseudo.set(raw[at] ?? "", raw[at + 1] ?? "");
  return { pseudo, fields: raw.slice(at) };
}
