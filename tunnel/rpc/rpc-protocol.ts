import {
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import {
  type RawHandler,
  serveRawStreams,
  widenSessionWindows,
  widenStreamWindows,
} from "./internals.ts";
import type { ConnectionProtocol } from "./listener.ts";
import { streamWindowBytes } from "./stream-windows.ts";

/** What is served to one kind of peer. */
export interface RpcRoutes {
  readonly service: ServiceDefinition;
  readonly handlers: UntypedServiceImplementation;
  /** Streams that are not gRPC, by path. */
  readonly raw: Readonly<Record<string, RawHandler>>;
}

/** Messages of Go clients may be this large. */
const maxMessageBytes = 16 * 1024 * 1024;
const keepaliveTimeoutMs = 20_000;

/** gRPC over connections that a listener has accepted. */
export function createRpcProtocol(
  routes: RpcRoutes,
  options: { readonly keepaliveTimeMs: number },
): ConnectionProtocol {
  const grpc = createGrpcServer(routes, options.keepaliveTimeMs);
  const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
  widenSessionWindows(grpc);
  serveRawStreams(grpc, routes.raw);
  return {
    alpn: ["h2"],
    isHalfOpen: false,
    accept: (socket) => injector.injectConnection(socket),
    async drain() {
      const { promise, resolve } = Promise.withResolvers<void>();
      grpc.tryShutdown(() => resolve());
      await promise;
    },
    close: () => grpc.forceShutdown(),
  };
}

function createGrpcServer({ service, handlers }: RpcRoutes, keepaliveTimeMs: number): Server {
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
