import { isIP } from "node:net";
import type { Duplex } from "node:stream";
import { checkServerIdentity, createSecureContext, type SecureContext } from "node:tls";

/**
 * Opens one connection to the upstream: a TCP socket, a tunnelled stream. Rejects with an error of
 * its own, which becomes the cause of ours; gives up when `signal` aborts. A connection that emits
 * `retire` gets no new requests; those under way go on.
 */
export type Dial = (signal: AbortSignal) => Promise<Duplex>;

/** How the upstream proves who it is, and we to it. PEM. */
export interface UpstreamTls {
  /** Who may vouch for the upstream. Without it, the system's CAs. */
  readonly ca?: string;
  /** The name (or IP address) that its certificate must have. */
  readonly serverName: string;
  /** Accepts every certificate. For upstreams that are declared insecure, and for nothing else. */
  readonly insecure?: boolean;
  readonly cert?: string;
  readonly key?: string;
}

/** One place to send requests to. */
export interface Upstream {
  /** The `Host` that it hears. */
  readonly authority: string;
  readonly dial: Dial;
  /**
   * The same, sooner: its connection may not be open yet, and carries what is written meanwhile
   * along. It is destroyed with an error when it cannot open, and then `dial` is asked.
   */
  readonly dialEarly?: Dial;
  /** Without it, plain HTTP, and `dial` has to give a socket of `node:net`. */
  readonly tls?: UpstreamTls;
  /** What is spoken without TLS. Defaults to HTTP/1.1; `h2` is HTTP/2 with prior knowledge. */
  readonly plainProtocol?: "h2" | "http/1.1";
}

/** TLS settings in the form that a handshake needs, certificates parsed once. */
export interface PreparedTls {
  readonly context: SecureContext;
  /** The name to send; empty for an IP address, which may not be sent. */
  readonly sni: string;
  readonly verify: boolean;
  readonly checkIdentity: typeof checkServerIdentity;
}

/** Parses certificates and keys. Throws what `node:tls` throws when they cannot be read. */
export function prepareTls(tls: UpstreamTls): PreparedTls {
  return {
    context: createSecureContext({
      ...(tls.ca === undefined ? {} : { ca: tls.ca }),
      ...(tls.cert === undefined ? {} : { cert: tls.cert }),
      ...(tls.key === undefined ? {} : { key: tls.key }),
      minVersion: "TLSv1.2",
    }),
    sni: isIP(tls.serverName) === 0 ? tls.serverName : "",
    verify: tls.insecure !== true,
    checkIdentity: (_host, certificate) => checkServerIdentity(tls.serverName, certificate),
  };
}
