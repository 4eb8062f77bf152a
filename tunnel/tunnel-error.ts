/**
 * Everything that can go wrong with a tunnelled connection. There are no other codes.
 *
 * - `unreachable`: no tunnel server answers.
 * - `no_agent`: a tunnel server answers, but no agent that serves the host is connected to it.
 * - `dial_refused`: the agent tried and the target refused the connection.
 * - `dial_timeout`: nobody answered the dial in time.
 * - `dial_failed`: the agent could not dial for another reason, e.g. a name without an address.
 * - `closed`: the connection was open and ended before its time.
 * - `protocol`: a peer broke the protocol.
 */
export type TunnelErrorCode =
  | "unreachable"
  | "no_agent"
  | "dial_refused"
  | "dial_timeout"
  | "dial_failed"
  | "closed"
  | "protocol";

/** The one error of this room. Callers branch on `code`, people read `message`. */
export class TunnelError extends Error {
  override readonly name = "TunnelError";
  readonly code: TunnelErrorCode;

  constructor(code: TunnelErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** Wraps whatever was caught and keeps it as the cause; a TunnelError passes through. */
  static from(reason: unknown, code: TunnelErrorCode): TunnelError {
    if (reason instanceof TunnelError) return reason;
    const message = reason instanceof Error ? reason.message : String(reason);
    return new TunnelError(code, message, { cause: reason });
  }
}
