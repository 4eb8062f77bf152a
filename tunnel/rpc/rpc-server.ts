import { once } from "node:events";
import type { Server as NetServer } from "node:net";
import { createServer, type SecureContextOptions, type TLSSocket, type TlsOptions } from "node:tls";
import {
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { Logger, Runnable } from "#runtime";
import type { TlsMaterial, TlsSource } from "../tls-source.ts";
import {
  type RawHandler,
  serveRawStreams,
  widenSessionWindows,
  widenStreamWindows,
} from "./internals.ts";
import { streamWindowBytes } from "./stream-windows.ts";

export interface ListenerOptions {
  /** Empty for all addresses. */
  readonly host: string;
  readonly port: number;
  readonly tls: TlsSource;
  /** Ciphers of TLS 1.2 in OpenSSL's names; the default set when empty. */
  readonly ciphers: string;
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
  readonly keepaliveTimeMs: number;
  /** How long open streams may go on after the end was asked for. */
  readonly graceMs: number;
}

/** What one listener serves. */
export interface RpcRoutes {
  readonly service: ServiceDefinition;
  readonly handlers: UntypedServiceImplementation;
  /** Streams that are not gRPC, by path. */
  readonly raw: Readonly<Record<string, RawHandler>>;
}

export interface RpcServer extends Runnable {
  /** The port that it listens on; 0 before it does. */
  readonly port: number;
}

/** Messages of Go clients may be this large. */
const maxMessageBytes = 16 * 1024 * 1024;
const keepaliveTimeoutMs = 20_000;
/** Handshakes are cheap to start and expensive to answer. */
const handshakeTimeoutMs = 10_000;

/**
 * gRPC behind a TLS listener of our own, so that certificates and CAs change without touching
 * open connections and each listener trusts its own CA. Clients without a certificate from that CA
 * do not get past the handshake.
 */
export function createRpcServer(
  name: string,
  routes: RpcRoutes,
  options: ListenerOptions,
  log: Logger,
): RpcServer {
  let port = 0;
  return {
    name,
    get port() {
      return port;
    },
    async run(signal) {
      const grpc = createGrpcServer(routes, options);
      const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
      widenSessionWindows(grpc);
      serveRawStreams(grpc, routes.raw);
      const sockets = new Set<TLSSocket>();
      const listener = createServer(tlsOptions(options), (socket) => {
        socket.setNoDelay(true);
        sockets.add(socket);
        socket.on("close", () => sockets.delete(socket));
        // The HTTP/2 session reports what ends it; an unheard error would end the process.
        socket.on("error", () => undefined);
        injector.injectConnection(socket);
      });
      listener.on("tlsClientError", (error, socket) => {
        log.debug("Refused connection", { peer: socket.remoteAddress, error });
      });
      const unsubscribe = options.tls.onChange((material) => {
        listener.setSecureContext(secureContext(options, material));
      });
      try {
        listener.listen({ port: options.port, ...(options.host && { host: options.host }) });
        await once(listener, "listening", { signal });
        port = portOf(listener);
        log.info("Listening", { port });
        await aborted(signal);
        await closeAll(listener, grpc, options.graceMs);
      } finally {
        unsubscribe();
        listener.close();
        // grpc-js forgets sessions that it did not accept itself.
        for (const socket of sockets) socket.destroy();
        grpc.forceShutdown();
      }
    },
  };
}

function createGrpcServer(
  { service, handlers }: RpcRoutes,
  { keepaliveTimeMs }: ListenerOptions,
): Server {
  const server = new Server({
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_send_message_length": maxMessageBytes,
    "grpc.keepalive_time_ms": keepaliveTimeMs,
    "grpc.keepalive_timeout_ms": keepaliveTimeoutMs,
    "grpc.enable_channelz": 0,
    "grpc-node.flow_control_window": streamWindowBytes,
  });
  widenStreamWindows(server);
  server.addService(service, handlers);
  return server;
}

function tlsOptions(options: ListenerOptions): TlsOptions {
  return {
    ...secureContext(options, options.tls.current),
    ALPNProtocols: ["h2"],
    requestCert: true,
    rejectUnauthorized: true,
    handshakeTimeout: handshakeTimeoutMs,
  };
}

function secureContext(
  { ciphers, minVersion }: ListenerOptions,
  { ca, cert, key }: TlsMaterial,
): SecureContextOptions {
  return { ca, cert, key, minVersion, ...(ciphers !== "" && { ciphers }) };
}

function portOf(listener: NetServer): number {
  const address = listener.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}

/** Takes no new connections and lets the streams end, for a while. */
async function closeAll(listener: NetServer, grpc: Server, graceMs: number): Promise<void> {
  listener.close();
  if (graceMs === 0) return;
  const { promise: isDrained, resolve } = Promise.withResolvers<void>();
  grpc.tryShutdown(() => resolve());
  const timer = setTimeout(resolve, graceMs);
  await isDrained;
  clearTimeout(timer);
}
