import { once } from "node:events";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { ProxyError } from "../proxy-error.ts";
import type { Dial, PreparedTls } from "./upstream.ts";

export type Protocol = "h2" | "http/1.1";

/** An open connection, and what to speak on it. */
export interface Connection {
  readonly socket: Duplex;
  readonly protocol: Protocol;
  /** Aborts when what carries the connection is about to end: new work belongs on a new one. */
  readonly retiring: AbortSignal;
}

export interface ConnectOptions {
  readonly dial: Dial;
  /** Asked first, where there is TLS: a handshake goes to nobody's harm with a dial that fails. */
  readonly dialEarly?: Dial | undefined;
  readonly tls: PreparedTls | undefined;
  /** What is spoken without TLS, where that is agreed beforehand. */
  readonly plainProtocol?: Protocol | undefined;
  /** What we are willing to speak, best first. */
  readonly protocols: readonly Protocol[];
  readonly dialTimeoutMs: number;
  readonly handshakeTimeoutMs: number;
  /** Session tickets of earlier handshakes with the same upstream and settings. */
  readonly tickets: TicketBox;
}

/** Holds the newest TLS session ticket, so that the next handshake is a short one. */
export interface TicketBox {
  newest: Buffer | undefined;
}

/**
 * Dials and shakes hands. Throws a ProxyError: `dial_failed`, `dial_timeout`, `tls_failed` or
 * `tls_unverified`. Leaves nothing open when it throws.
 */
export async function connect(options: ConnectOptions, signal: AbortSignal): Promise<Connection> {
  const { tls, dialEarly } = options;
  if (tls === undefined) {
    const socket = await dialWithin(options.dial, options, signal);
    return { socket, protocol: plainProtocolOf(options), retiring: retiringOf(socket) };
  }
  const early = dialEarly && (await connectEarly(dialEarly, tls, options, signal));
  if (early !== undefined) return early;
  return secured(await dialWithin(options.dial, options, signal), tls, options, signal);
}

/** `undefined` when the dial came to nothing: whoever was known to be there is not any more. */
async function connectEarly(
  dialEarly: Dial,
  tls: PreparedTls,
  options: ConnectOptions,
  signal: AbortSignal,
): Promise<Connection | undefined> {
  const raw = await dialWithin(dialEarly, options, signal);
  try {
    return await secured(raw, tls, options, signal);
  } catch (error) {
    if (raw.readableDidRead || raw.readableEnded || signal.aborted) throw error;
    if (raw.errored !== null) return undefined;
    throw dialTimeout(options.handshakeTimeoutMs, error);
  }
}

async function secured(
  raw: Duplex,
  tls: PreparedTls,
  options: ConnectOptions,
  signal: AbortSignal,
): Promise<Connection> {
  const retiring = retiringOf(raw);
  const socket = await shakeHands(raw, tls, options, signal);
  return { socket, protocol: socket.alpnProtocol === "h2" ? "h2" : "http/1.1", retiring };
}

function retiringOf(raw: Duplex): AbortSignal {
  const retire = new AbortController();
  raw.once("retire", () => retire.abort());
  return retire.signal;
}

/** An upgrade speaks HTTP/1.1 whatever was agreed. */
function plainProtocolOf({ plainProtocol = "http/1.1", protocols }: ConnectOptions): Protocol {
  return protocols.includes(plainProtocol) ? plainProtocol : "http/1.1";
}

async function dialWithin(
  dial: Dial,
  { dialTimeoutMs }: ConnectOptions,
  signal: AbortSignal,
): Promise<Duplex> {
  const timeout = AbortSignal.timeout(dialTimeoutMs);
  const scope = AbortSignal.any([signal, timeout]);
  const dialled = Promise.resolve(dial(scope));
  const gaveUp = Promise.withResolvers<never>();
  const giveUp = () => gaveUp.reject(new Error("Dial was given up", { cause: scope.reason }));
  scope.addEventListener("abort", giveUp, { once: true });
  try {
    const raw = await Promise.race([dialled, gaveUp.promise]);
    raw.on("error", () => undefined);
    if (raw instanceof Socket) raw.setNoDelay(true);
    return raw;
  } catch (error) {
    // A dialler that answers after all must not leave its connection behind.
    dialled.then(
      (late) => late.destroy(),
      () => undefined,
    );
    if (signal.aborted) throw new ProxyError("closed", "Cannot dial: no longer wanted");
    if (timeout.aborted) throw dialTimeout(dialTimeoutMs, error);
    throw ProxyError.from(error, "dial_failed", "Cannot dial");
  } finally {
    scope.removeEventListener("abort", giveUp);
  }
}

async function shakeHands(
  raw: Duplex,
  tls: PreparedTls,
  { protocols, handshakeTimeoutMs, tickets }: ConnectOptions,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const socket = connectTls({
    socket: raw,
    secureContext: tls.context,
    servername: tls.sni,
    ALPNProtocols: [...protocols],
    rejectUnauthorized: tls.verify,
    checkServerIdentity: tls.checkIdentity,
    ...(tickets.newest === undefined ? {} : { session: tickets.newest }),
  });
  socket.on("session", (ticket) => {
    tickets.newest = ticket;
  });
  const scope = AbortSignal.any([signal, AbortSignal.timeout(handshakeTimeoutMs)]);
  try {
    await Promise.race([
      once(socket, "secureConnect", { signal: scope }),
      once(socket, "close", { signal: scope }).then(() => {
        throw new Error("Connection ended during the handshake");
      }),
    ]);
  } catch (error) {
    tickets.newest = undefined;
    socket.on("error", () => undefined);
    socket.destroy();
    raw.destroy();
    throw handshakeError(socket, error);
  }
  socket.on("error", () => undefined);
  return socket;
}

function dialTimeout(afterMs: number, cause: unknown): ProxyError {
  const message = `Cannot dial: no connection after ${afterMs / 1000} s`;
  return new ProxyError("dial_timeout", message, { cause });
}

function handshakeError(socket: TLSSocket, cause: unknown): ProxyError {
  // Set by the TLS layer for a bad chain and a bad name alike; typed as always there.
  const isUnverified = (socket.authorizationError as Error | null | undefined) != null;
  return isUnverified
    ? new ProxyError("tls_unverified", "Cannot trust the upstream's certificate", { cause })
    : new ProxyError("tls_failed", "Cannot shake hands with the upstream", { cause });
}
