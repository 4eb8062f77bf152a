import { type IncomingMessage, ServerResponse } from "node:http";
import type { Duplex, Readable } from "node:stream";
import { fieldsOf, headerValue, type RawHeaders } from "../raw-headers.ts";
import {
  type BodySink,
  type Exchange,
  isBodyless,
  type Peer,
  type ResponseHead,
} from "./exchange.ts";

/** The raw connection of an upgrade: bytes that came after the request head are in `head`. */
export interface UpgradeSocket {
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** An {@link Exchange} on a connection of HTTP/1.1. */
export class H1Exchange implements Exchange {
  readonly protocol = "http/1.1";
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  readonly headers: RawHeaders;
  readonly peer: Peer;
  readonly body: Readable | undefined;
  readonly upgrade: string | undefined;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #raw: UpgradeSocket | undefined;
  #isSwitched = false;

  constructor(
    request: IncomingMessage,
    peer: Peer,
    answerWith: { readonly response: ServerResponse } | { readonly raw: UpgradeSocket },
  ) {
    this.method = request.method ?? "";
    this.target = request.url ?? "";
    this.authority = headerValue(request.rawHeaders, "host") ?? "";
    this.headers = request.rawHeaders;
    this.peer = peer;
    this.#request = request;
    if ("raw" in answerWith) {
      this.#raw = answerWith.raw;
      this.#response = responseOn(request, answerWith.raw.socket);
      this.upgrade = headerValue(request.rawHeaders, "upgrade");
    } else {
      this.#response = answerWith.response;
      this.body = hasBody(request) ? request : undefined;
    }
    this.#response.sendDate = false;
    this.#response.on("error", () => undefined);
  }

  get isAnswered(): boolean {
    return this.#isSwitched || this.#response.headersSent;
  }

  get isGone(): boolean {
    return this.#request.socket.destroyed;
  }

  requestTrailers(): RawHeaders {
    return this.#request.rawTrailers;
  }

  isBodyCut(): boolean {
    return !this.#request.complete;
  }

  onGone(listener: () => void): void {
    if (this.isGone) {
      listener();
      return;
    }
    const source = this.#raw?.socket ?? this.#response;
    source.once("close", () => {
      if (!this.#response.writableFinished) listener();
    });
  }

  inform({ status, headers }: ResponseHead): void {
    if (this.isGone || this.isAnswered || status < 100 || status === 101) return;
    if (status === 100) this.#response.writeContinue();
    else this.#response.writeInformation(status, asRecord(headers));
  }

  respond({ status, headers }: ResponseHead, hasBody: boolean): BodySink | undefined {
    if (this.isGone) return undefined;
    const isEmpty = !hasBody || isBodyless(this.method, status);
    this.#response.writeHead(status, [...withLength(headers, isEmpty, this.method, status)]);
    if (isEmpty) {
      this.#response.end();
      return undefined;
    }
    // A watch may be silent for minutes after its head.
    this.#response.flushHeaders();
    return {
      stream: this.#response,
      trailers: (fields) => this.#response.addTrailers([...fieldsOf(fields)]),
    };
  }

  answer(head: ResponseHead, body: string | Buffer = ""): void {
    const length = String(Buffer.byteLength(body));
    const headers = [...head.headers, "content-length", length];
    this.respond({ status: head.status, headers }, length !== "0")?.stream.end(body);
  }

  switchProtocols(headers: RawHeaders): Duplex {
    if (this.#raw === undefined) throw new TypeError("Cannot switch protocols: no upgrade");
    this.#isSwitched = true;
    const { socket, head } = this.#raw;
    this.#response.detachSocket(this.#request.socket);
    const lines = [...fieldsOf(headers)].map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join("")}\r\n`, "latin1");
    if (head.length > 0) socket.unshift(head);
    return socket;
  }

  cut(): void {
    this.#request.socket.destroy();
  }
}

function responseOn(request: IncomingMessage, socket: Duplex): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(request.socket);
  response.once("finish", () => {
    socket.end();
  });
  return response;
}

function hasBody(request: IncomingMessage): boolean {
  if (request.headers["transfer-encoding"] !== undefined) return true;
  const length = request.headers["content-length"];
  return length !== undefined && length !== "0";
}

/** An empty answer says so, lest HTTP/1.1 make it a chunked one. */
function withLength(
  headers: RawHeaders,
  isEmpty: boolean,
  method: string,
  status: number,
): RawHeaders {
  if (!isEmpty || isBodyless(method, status)) return headers;
  return headerValue(headers, "content-length") === undefined
    ? [...headers, "content-length", "0"]
    : headers;
}

function asRecord(headers: RawHeaders): Record<string, string> {
  return Object.fromEntries(fieldsOf(headers));
}
