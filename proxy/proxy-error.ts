/**
 * Everything that can keep a request from being answered by its upstream. There are no other codes.
 *
 * - `bad_target`: the request target cannot be forwarded safely.
 * - `overloaded`: every connection to the upstream is in use and the queue is full or too slow.
 * - `dial_failed`, `dial_timeout`: no connection came about. The cause is the dialler's own error.
 * - `tls_failed`, `tls_unverified`: the connection stands, but the TLS handshake does not.
 * - `upstream_lost`: the connection ended before an answer.
 * - `upstream_refused`: the upstream refused the stream and has not looked at it.
 * - `response_timeout`: no response header in time.
 * - `bad_response`: the answer breaks the protocol.
 * - `closed`: the transport was retired between choosing and using it.
 * - `client_gone`: whoever asked is no longer there.
 */
export type ProxyErrorCode =
  | "bad_target"
  | "overloaded"
  | "dial_failed"
  | "dial_timeout"
  | "tls_failed"
  | "tls_unverified"
  | "upstream_lost"
  | "upstream_refused"
  | "response_timeout"
  | "bad_response"
  | "closed"
  | "client_gone";

/** The one error of this room. Branch on `code`; `message` is for people; the cause is kept. */
export class ProxyError extends Error {
  override readonly name = "ProxyError";
  readonly code: ProxyErrorCode;

  constructor(code: ProxyErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** Wraps whatever was caught and keeps it as the cause; a ProxyError passes through. */
  static from(reason: unknown, code: ProxyErrorCode, message: string): ProxyError {
    return reason instanceof ProxyError ? reason : new ProxyError(code, message, { cause: reason });
  }
}
