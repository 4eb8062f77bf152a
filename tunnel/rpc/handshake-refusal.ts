import { describeError, type Logger } from "#runtime";

/**
 * Why a connection did not get past the TLS handshake, as metrics name it.
 *
 * - `no_certificate`: the peer showed none.
 * - `untrusted_certificate`: another CA issued it, or it does not hold for clients.
 * - `expired_certificate`: it is over, or not valid yet.
 * - `refused_by_peer`: the peer did not trust our certificate.
 * - `protocol`: no TLS, or no version, cipher or protocol that both know.
 * - `timeout`: the handshake took too long.
 * - `closed`: the peer went away in the middle, as health checks of load balancers do.
 */
export type HandshakeRefusal =
  | "no_certificate"
  | "untrusted_certificate"
  | "expired_certificate"
  | "refused_by_peer"
  | "protocol"
  | "timeout"
  | "closed";

const reasons: Readonly<Record<string, HandshakeRefusal>> = {
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: "no_certificate",
  UNABLE_TO_GET_ISSUER_CERT: "no_certificate",
  CERT_HAS_EXPIRED: "expired_certificate",
  CERT_NOT_YET_VALID: "expired_certificate",
  ERR_TLS_HANDSHAKE_TIMEOUT: "timeout",
  ECONNRESET: "closed",
  EPIPE: "closed",
};

/** What the peer's alerts say about our certificate. */
const peerAlert =
  /ALERT_(?:UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN|CERTIFICATE_EXPIRED|UNSUPPORTED_CERTIFICATE|CERTIFICATE_REVOKED|ACCESS_DENIED)/;

/**
 * The reason, from the code of Node's error and from what Node found wrong with the certificate.
 * The latter says more: the error is then only that the connection was ended.
 */
export function handshakeRefusal(
  code: string | undefined,
  authorizationError: string | undefined,
): HandshakeRefusal {
  if (authorizationError !== undefined) {
    return reasons[authorizationError] ?? "untrusted_certificate";
  }
  if (code === undefined) return "closed";
  return reasons[code] ?? (peerAlert.test(code) ? "refused_by_peer" : "protocol");
}

export interface Refused {
  readonly reason: HandshakeRefusal;
  readonly peer: string | undefined;
  readonly error: Error;
}

const logIntervalMs = 10_000;

/** Logs refusals, each reason once in ten seconds, and how many were not told in between. */
export class RefusalLog {
  readonly #log: Logger;
  readonly #nowMs: () => number;
  readonly #told = new Map<HandshakeRefusal, { atMs: number; untold: number }>();

  constructor(log: Logger, nowMs: () => number = () => performance.now()) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  tell({ reason, peer, error }: Refused): void {
    const nowMs = this.#nowMs();
    const last = this.#told.get(reason);
    if (last !== undefined && nowMs - last.atMs < logIntervalMs) {
      last.untold += 1;
      return;
    }
    this.#told.set(reason, { atMs: nowMs, untold: 0 });
    const fields = { reason, peer, error: describeError(error), untold: last?.untold ?? 0 };
    // Load balancers that look whether the port is open do this every few seconds.
    if (reason === "closed") this.#log.debug("Refused TLS handshake", fields);
    else this.#log.warn("Refused TLS handshake", fields);
  }
}
