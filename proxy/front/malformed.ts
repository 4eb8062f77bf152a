import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { FrontRefusal } from "./connections.ts";

/** What a client hears when it sends what is no request. */
const statusLines: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};

/** Answers, on HTTP/1.1, what could not be read as a request, and ends the connection. */
export class MalformedRequests {
  readonly #onRefused: (reason: FrontRefusal) => void;
  readonly #answering = new WeakMap<Duplex, ServerResponse>();
  /** Refused already: the parser may find the same fault once more. */
  readonly #refused = new WeakSet<Duplex>();

  constructor(onRefused: (reason: FrontRefusal) => void) {
    this.#onRefused = onRefused;
  }

  /** Call it for each request that could be read: an answer that has begun must not get a second head. */
  note(response: ServerResponse): void {
    if (response.socket !== null) this.#answering.set(response.socket, response);
  }

  /** True, and answered, for a body whose end the next one might find elsewhere than we do. */
  refuseCoding({ headers }: IncomingMessage, response: ServerResponse): boolean {
    const coding = headers["transfer-encoding"];
    if (coding === undefined || coding.toLowerCase() === "chunked") return false;
    if (response.socket !== null) this.#refused.add(response.socket);
    this.#onRefused("malformed");
    response.writeHead(400, { connection: "close", "content-length": "0" }).end();
    return true;
  }

  refuse(error: Error & { readonly code?: string }, socket: Duplex): void {
    const { code = "" } = error;
    const isFault = code.startsWith("HPE_") || code in statusLines;
    if (isFault && !this.#refused.has(socket)) {
      this.#onRefused(code === "ERR_HTTP_REQUEST_TIMEOUT" ? "slow" : "malformed");
    }
    if (!socket.writable || this.#isAnswering(socket) || !/^(HPE_|ERR_HTTP)/.test(code)) {
      socket.destroy();
      return;
    }
    const line = statusLines[code] ?? "400 Bad Request";
    socket.end(`HTTP/1.1 ${line}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () =>
      socket.destroy(),
    );
  }

  #isAnswering(socket: Duplex): boolean {
    const answer = this.#answering.get(socket);
    return answer !== undefined && answer.headersSent && !answer.writableFinished;
  }
}
