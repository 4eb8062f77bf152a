import { once } from "node:events";
import { lstat, unlink } from "node:fs/promises";
import { createServer as createNetServer, type Server as NetServer, type Socket } from "node:net";
import {
  createServer as createTlsServer,
  type SecureContextOptions,
  type TLSSocket,
  type TlsOptions,
} from "node:tls";
import type { Logger, Runnable } from "#runtime";
import type { TlsMaterial, TlsSource } from "../tls-source.ts";
import { type HandshakeRefusal, handshakeRefusal, RefusalLog } from "./handshake-refusal.ts";

interface StreamLimits {
  readonly keepaliveTimeMs: number;
  /** How long open streams may go on after the end was asked for. */
  readonly graceMs: number;
}

/** A port behind TLS. */
export interface ListenerOptions extends StreamLimits {
  /** Empty for all addresses. */
  readonly host: string;
  readonly port: number;
  readonly tls: TlsSource;
  /** Ciphers of TLS 1.2 in OpenSSL's names; the default set when empty. */
  readonly ciphers: string;
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
  /**
   * Who gets past the handshake: holders of a certificate of the CA in `tls`, or anybody, where the
   * one who connects is known by other means. Defaults to `certificate`.
   */
  readonly admits?: "certificate" | "anybody";
}

/** A Unix socket: whoever may open the file may connect. Nothing is encrypted. */
export interface SocketFileOptions extends StreamLimits {
  readonly path: string;
  /** Whether a socket that an earlier process left there is removed first. */
  readonly isReplacing: boolean;
}

/** What is spoken over the connections of a listener. */
export interface ConnectionProtocol {
  /** Its names in TLS. */
  readonly alpn: readonly string[];
  /** Whether a peer that has ended its direction still wants the other one. */
  readonly isHalfOpen: boolean;
  accept(socket: Socket): void;
  /** Resolves once all that is open has ended by itself. */
  drain(): Promise<void>;
  /** Ends all at once. */
  close(): void;
}

export interface Listener extends Runnable {
  /** The port that it listens on; 0 before it does, and for a Unix socket. */
  readonly port: number;
  /** Whether it takes new connections. */
  readonly isListening: boolean;
}

export interface ListenerParts {
  readonly protocol: ConnectionProtocol;
  readonly log: Logger;
  /** Told of each connection that did not get past the TLS handshake. */
  readonly onRefused?: (reason: HandshakeRefusal) => void;
}

/** Handshakes are cheap to start and expensive to answer. */
const handshakeTimeoutMs = 10_000;
/** Owner and group of the process may connect to its Unix socket, nobody else. */
const socketFileUmask = 0o007;

/**
 * Takes connections for a protocol. Behind TLS, certificates and CAs change without touching open
 * connections.
 *
 * Throws a RangeError where certificates are asked for and there is no CA to check them with.
 */
export function createListener(
  name: string,
  options: ListenerOptions | SocketFileOptions,
  { protocol, log, onRefused = () => undefined }: ListenerParts,
): Listener {
  let port = 0;
  let isListening = false;
  return {
    name,
    get port() {
      return port;
    },
    get isListening() {
      return isListening;
    },
    async run(signal) {
      const door =
        "path" in options
          ? createSocketDoor(protocol)
          : createTlsDoor(options, protocol, { log, onRefused });
      const sockets = new Set<Socket>();
      door.server.on(door.event, (socket: Socket) => {
        // A handshake that ends after the listener did.
        if (signal.aborted) return void socket.destroy();
        socket.setNoDelay(true);
        sockets.add(socket);
        socket.on("close", () => sockets.delete(socket));
        // The protocol reports what ends it; an unheard error would end the process.
        socket.on("error", () => undefined);
        protocol.accept(socket);
      });
      try {
        await listen(door.server, options, signal);
        port = portOf(door.server);
        isListening = true;
        log.info("Listening", "path" in options ? { path: options.path } : { port });
        await aborted(signal);
        isListening = false;
        door.server.close();
        await drain(protocol, options.graceMs);
      } finally {
        isListening = false;
        door.close();
        // A server forgets connections that it did not accept itself.
        for (const socket of sockets) socket.destroy();
        protocol.close();
      }
    },
  };
}

/** Where connections come in, and by which event they are told. */
interface Door {
  readonly server: NetServer;
  readonly event: "connection" | "secureConnection";
  close(): void;
}

function createSocketDoor({ isHalfOpen }: ConnectionProtocol): Door {
  const server = createNetServer({ allowHalfOpen: isHalfOpen });
  return { server, event: "connection", close: () => void server.close() };
}

function createTlsDoor(
  options: ListenerOptions,
  protocol: ConnectionProtocol,
  { log, onRefused }: Omit<ListenerParts, "protocol">,
): Door {
  const server = createTlsServer(tlsOptions(options, protocol));
  const refusals = new RefusalLog(log);
  server.on("tlsClientError", (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    const reason = handshakeRefusal(error.code, authorizationErrorOf(socket));
    onRefused?.(reason);
    refusals.tell({ reason, peer: socket.remoteAddress, error });
  });
  const unsubscribe = options.tls.onChange((material) => {
    server.setSecureContext(secureContext(options, material));
  });
  return {
    server,
    event: "secureConnection",
    close() {
      unsubscribe();
      server.close();
    },
  };
}

/** Why Node did not believe the certificate. It has another form than its type says. */
function authorizationErrorOf(socket: TLSSocket): string | undefined {
  const error: unknown = socket.authorizationError;
  return typeof error === "string" ? error : undefined;
}

function tlsOptions(
  options: ListenerOptions,
  { alpn, isHalfOpen }: ConnectionProtocol,
): TlsOptions {
  const isCertificateRequired = options.admits !== "anybody";
  if (isCertificateRequired && options.tls.current.ca === undefined) {
    throw new RangeError("Cannot ask for certificates without the CA that issues them");
  }
  return {
    ...secureContext(options, options.tls.current),
    ALPNProtocols: [...alpn],
    requestCert: isCertificateRequired,
    rejectUnauthorized: isCertificateRequired,
    handshakeTimeout: handshakeTimeoutMs,
    allowHalfOpen: isHalfOpen,
  };
}

function secureContext(
  { ciphers, minVersion }: ListenerOptions,
  { ca, cert, key }: TlsMaterial,
): SecureContextOptions {
  return { ca, cert, key, minVersion, ...(ciphers !== "" && { ciphers }) };
}

async function listen(
  server: NetServer,
  options: ListenerOptions | SocketFileOptions,
  signal: AbortSignal,
): Promise<void> {
  if ("path" in options) {
    await makeWay(options);
    // The file is made within the call, so that nobody else's file gets this mask.
    const before = process.umask(socketFileUmask);
    try {
      server.listen({ path: options.path });
    } finally {
      process.umask(before);
    }
  } else {
    server.listen({ port: options.port, ...(options.host && { host: options.host }) });
  }
  await once(server, "listening", { signal });
}

/** Removes what an earlier process left. Anything but a socket is somebody's file and stays. */
async function makeWay({ path, isReplacing }: SocketFileOptions): Promise<void> {
  if (!isReplacing) return;
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) throw new Error(`Cannot listen on ${path}: there is a file, not a socket`);
  await unlink(path);
}

function portOf(listener: NetServer): number {
  const address = listener.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}

/** Lets what is open end by itself, for a while. */
async function drain(protocol: ConnectionProtocol, graceMs: number): Promise<void> {
  if (graceMs === 0) return;
  const { promise: isOver, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, graceMs);
  await Promise.race([protocol.drain(), isOver]);
  clearTimeout(timer);
}
