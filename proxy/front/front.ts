import { once } from "node:events";
import { createServer, type Server as H1Server, type IncomingMessage } from "node:http";
import {
  createServer as createH2Server,
  type Http2Server,
  type Http2Session,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import {
  createServer as createTlsServer,
  type TLSSocket,
  type Server as TlsServer,
} from "node:tls";
import type { Logger, Runnable } from "#runtime";
import { StreamWindows } from "../stream-windows.ts";
import { windows } from "../windows.ts";
import { awaitFirstRequest, type FrontRefusal, limitConnections } from "./connections.ts";
import type { Exchange, Peer } from "./exchange.ts";
import { H1Exchange } from "./h1-exchange.ts";
import { H2Exchange } from "./h2-exchange.ts";
import { MalformedRequests } from "./malformed.ts";

/** Certificate, key, and the CAs whose client certificates are looked at. PEM. */
export interface FrontTls {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  /** Without any, clients are not asked for a certificate. */
  readonly clientCas?: readonly string[];
}

export interface FrontOptions {
  /** Address to listen on. Defaults to all. */
  readonly host?: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly tls: FrontTls;
  /** Answers every exchange, and never throws. */
  readonly handle: (exchange: Exchange) => void;
  readonly log: Logger;
  /** Called for each client that is turned away here. */
  readonly onRefused?: (reason: FrontRefusal) => void;
  /** Connections that one address may have open at once. Defaults to 5,000. */
  readonly connectionsPerAddress?: number | undefined;
  /** How long a TLS handshake may take. Defaults to 10 seconds. */
  readonly handshakeTimeoutMs?: number;
  /** How long the head of a request may take, on a new connection too. Defaults to 30 seconds. */
  readonly headTimeoutMs?: number;
  /** Requests of HTTP/2 that one connection may carry at once. Defaults to 1,000. */
  readonly streamsPerConnection?: number | undefined;
  /** How long requests may go on once the front is asked to end. Defaults to 10 seconds. */
  readonly drainMs?: number;
}

/** An HTTPS listener for HTTP/1.1 and HTTP/2, by ALPN, with upgrades on HTTP/1.1. */
export interface Front extends Runnable {
  /** Where it listens, once it does. */
  readonly port: Promise<number>;
  /** New connections use this from now on; open ones go on as they are. */
  secure(tls: FrontTls): void;
}

const defaultHeadTimeoutMs = 30_000;
const protocols = /^(websocket|spdy\/3\.1)$/i;

/** Makes a front. Nothing listens before `run`; `run` drains before it returns. */
export function createFront(options: FrontOptions): Front {
  const listening = Promise.withResolvers<number>();
  // Whoever runs the front hears of a failure to listen; `port` has no second audience to tell.
  listening.promise.catch(() => undefined);
  let tls = options.tls;
  let server: TlsServer | undefined;
  return {
    name: "front",
    port: listening.promise,
    secure(next) {
      tls = next;
      server?.setSecureContext(secureContextOf(next));
    },
    async run(signal) {
      const sessions = new OpenSessions();
      const h1 = createH1(options);
      const h2 = createH2(options, sessions);
      server = createTlsServer({
        ...secureContextOf(tls),
        ALPNProtocols: ["h2", "http/1.1"],
        requestCert: tls.clientCas !== undefined,
        // Who is not verified is simply nobody: the handler decides what nobody may do.
        rejectUnauthorized: false,
        handshakeTimeout: options.handshakeTimeoutMs ?? 10_000,
        // An upgraded connection may end in one direction first.
        allowHalfOpen: true,
      });
      const { connectionsPerAddress = 5000, onRefused = () => undefined } = options;
      const limits = { perAddress: connectionsPerAddress, onRefused };
      const sockets = limitConnections(server, limits);
      server.on("secureConnection", (socket) => {
        socket.on("error", () => undefined);
        socket.setNoDelay(true);
        if (socket.alpnProtocol === "h2") socket.once("end", () => socket.destroy());
        (socket.alpnProtocol === "h2" ? h2 : h1).emit("connection", socket);
      });
      try {
        server.listen(options.port, options.host);
        await once(server, "listening", { signal });
        // From now on it is a connection that could not be accepted, and the next one may be.
        server.on("error", (error) => options.log.warn("Cannot accept connection", { error }));
        listening.resolve((server.address() as AddressInfo).port);
        await once(signal, "abort");
      } catch (error) {
        listening.reject(error);
        if (!signal.aborted) throw error;
      }
      await drain({ server, h1, sockets, sessions }, options.drainMs ?? 10_000);
    },
  };
}

function secureContextOf({ cert, key, clientCas = [] }: FrontTls) {
  return {
    cert,
    key,
    ca: [...clientCas],
    minVersion: "TLSv1.2" as const,
    sessionIdContext: "front",
  };
}

function createH1({
  handle,
  onRefused = () => undefined,
  headTimeoutMs = defaultHeadTimeoutMs,
}: FrontOptions): H1Server {
  const malformed = new MalformedRequests(onRefused);
  const server = createServer({
    maxHeaderSize: 64 * 1024,
    // Long uploads are fine; a request head that trickles in is not.
    requestTimeout: 0,
    headersTimeout: headTimeoutMs,
    connectionsCheckingInterval: headTimeoutMs / 2,
    keepAliveTimeout: 95_000,
    noDelay: true,
    shouldUpgradeCallback: ({ headers }) => protocols.test(headers.upgrade ?? ""),
  });
  server.on("clientError", (error, socket) => malformed.refuse(error, socket));
  server.on("request", (request, response) => {
    malformed.note(response);
    if (malformed.refuseCoding(request, response)) return;
    handle(new H1Exchange(request, peerOf(request.socket as TLSSocket), { response }));
  });
  // With a listener of our own, the 100 is sent when the upstream sends it.
  server.on("checkContinue", (request, response) => {
    malformed.note(response);
    if (malformed.refuseCoding(request, response)) return;
    handle(new H1Exchange(request, peerOf(request.socket as TLSSocket), { response }));
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => undefined);
    const peer = peerOf(request.socket as TLSSocket);
    handle(new H1Exchange(request, peer, { raw: { socket, head } }));
  });
  // It shares the listener of another server, and only this event starts its check of slow heads.
  server.emit("listening");
  return server;
}

function createH2(
  {
    handle,
    log,
    onRefused = () => undefined,
    headTimeoutMs = defaultHeadTimeoutMs,
    streamsPerConnection = windows.serverStreams,
  }: FrontOptions,
  sessions: OpenSessions,
): Http2Server {
  const server = createH2Server({
    settings: {
      initialWindowSize: windows.streamBytes,
      maxConcurrentStreams: streamsPerConnection,
      maxHeaderListSize: 256 * 1024,
    },
    maxHeaderListPairs: 2000,
    // One connection of a hub's API server carries all its users: a thousand of their watches may
    // end in one moment, and Node's own limit would then end the connection for everybody.
    streamResetBurst: 10_000,
    streamResetRate: 1000,
    maxSessionMemory: windows.sessionMemoryMb,
  });
  server.on("session", (session) => {
    sessions.add(session);
    session.setLocalWindowSize(windows.sessionBytes);
    awaitFirstRequest(session, { headTimeoutMs, onRefused });
  });
  server.on("sessionError", (error: Error & { code?: string }) => {
    if (error.code?.startsWith("ERR_HTTP2_") === true) onRefused("malformed");
    log.debug("Client session failed", { error });
  });
  server.on("stream", (stream, _headers, flags, raw) => {
    if (stream.session === undefined) return;
    const peer = peerOfSession(stream.session);
    const exchange = new H2Exchange(stream as ServerHttp2Stream, raw, flags, peer);
    if (exchange.body !== undefined) boundUpload(stream.session, exchange.body);
    handle(exchange);
  });
  return server;
}

const uploads = new WeakMap<object, StreamWindows>();

function boundUpload(session: Http2Session, body: ServerHttp2Stream): void {
  const known = uploads.get(session);
  const upload = known ?? new StreamWindows(session);
  if (known === undefined) uploads.set(session, upload);
  upload.opened();
  body.once("close", () => upload.closed());
}

const peers = new WeakMap<object, Peer>();

function peerOfSession(session: Http2Session): Peer {
  return peers.get(session) ?? remember(session, session.socket as TLSSocket);
}

function peerOf(socket: TLSSocket): Peer {
  return peers.get(socket) ?? remember(socket, socket);
}

function remember(key: object, socket: TLSSocket): Peer {
  const peer: Peer = { address: socket.remoteAddress, tls: socket };
  peers.set(key, peer);
  return peer;
}

interface Open {
  readonly server: TlsServer;
  readonly h1: H1Server;
  readonly sockets: ReadonlySet<Socket>;
  readonly sessions: OpenSessions;
}

/** Sessions of HTTP/2. Once they are closed they take no new request, and end with their last. */
class OpenSessions {
  readonly #open = new Set<ServerHttp2Session>();
  #isClosed = false;

  add(session: ServerHttp2Session): void {
    this.#open.add(session);
    session.once("close", () => this.#open.delete(session));
    // Its handshake went on while the front was asked to end: the client goes elsewhere.
    if (this.#isClosed) session.close();
  }

  close(): void {
    this.#isClosed = true;
    for (const session of this.#open) session.close();
  }
}

/** No new connection, no new request; what runs may end by itself, and is cut after a while. */
async function drain({ server, h1, sockets, sessions }: Open, drainMs: number): Promise<void> {
  const closed = server.listening ? once(server, "close") : Promise.resolve();
  server.close();
  sessions.close();
  h1.closeIdleConnections();
  // A connection of HTTP/1.1 becomes idle without telling.
  const sweep = setInterval(() => h1.closeIdleConnections(), 100);
  const deadline = setTimeout(() => {
    for (const socket of sockets) socket.destroy();
  }, drainMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(deadline);
  h1.close();
}
