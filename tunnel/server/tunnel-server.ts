import { type Logger, type Metrics, type Runnable, runAll, silentLogger } from "#runtime";
import { ReceiveBudget, type ReceiveLimits } from "../flow/shared-receiver.ts";
import {
  type ConnectionProtocol,
  createListener,
  type ListenerOptions,
  type SocketFileOptions,
} from "../rpc/listener.ts";
import { rawPaths } from "../rpc/raw-headers.ts";
import { createRpcProtocol } from "../rpc/rpc-protocol.ts";
import { agentService, proxyService } from "../rpc/services.ts";
import { type AuthorizeAgent, sharedIdentity } from "./authorize-agent.ts";
import { Backends, type StrategyName } from "./backends.ts";
import { createCarryHandler } from "./carry-handler.ts";
import { createConnectHandler } from "./connect-handler.ts";
import { createHttpConnectProtocol } from "./http-connect.ts";
import {
  createGreeter,
  createProxyHandler,
  createRawProxyHandler,
  type ProxyOptions,
} from "./proxy-handler.ts";
import { createServerMetrics } from "./server-metrics.ts";
import { Sessions } from "./sessions.ts";

export interface TunnelServerOptions {
  /** Tells the servers of one address apart. */
  readonly serverId: string;
  /** How many servers agents should look for; asked at each handshake. */
  readonly serverCount: () => number;
  /** Where frontends connect. Its CA, or the file's mode, admits frontends only. */
  readonly frontends: ListenerOptions | SocketFileOptions;
  /** How frontends speak. Defaults to gRPC. */
  readonly frontendMode?: FrontendMode;
  /** Where agents connect. Its CA admits agents only. */
  readonly agents: ListenerOptions;
  /** Asked in this order for a backend. */
  readonly strategies: readonly StrategyName[];
  readonly metrics: Metrics;
  readonly log?: Logger;
  /** How long an agent may take to answer a dial. Defaults to 30 seconds. */
  readonly dialTimeoutMs?: number;
  /** Which agent may serve what. Defaults to any agent whose certificate the agents' CA issued. */
  readonly authorizeAgent?: AuthorizeAgent;
  /** Memory for readers that are slower than their agent. */
  readonly receiveLimits?: ReceiveLimits;
}

/** How frontends speak: `--mode`. */
export type FrontendMode = "grpc" | "http-connect";

export interface TunnelServer extends Runnable {
  /** The ports it listens on; 0 before it does, and for a Unix socket. */
  readonly ports: { readonly frontends: number; readonly agents: number };
  /** Why no dial can work, or `undefined` while it listens and an agent is connected. */
  reasonNotReady(): string | undefined;
}

const defaultDialTimeoutMs = 30_000;

/** Joins frontends and agents: konnectivity's proxy server. */
export function createTunnelServer(options: TunnelServerOptions): TunnelServer {
  const { log = silentLogger, dialTimeoutMs = defaultDialTimeoutMs } = options;
  const metrics = createServerMetrics(options.metrics);
  const backends = new Backends(options.strategies);
  metrics.backends(backends.sizes());
  const { serverId, serverCount, authorizeAgent = sharedIdentity } = options;
  const sessions = new Sessions();
  const budget = new ReceiveBudget(options.receiveLimits);
  const connect = createConnectHandler({
    serverId,
    serverCount,
    authorizeAgent,
    keepaliveTimeMs: options.agents.keepaliveTimeMs,
    backends,
    sessions,
    budget,
    metrics,
    log: log.with({ listener: "agents" }),
  });
  const agents = createListener("agent-listener", options.agents, {
    protocol: createRpcProtocol(
      {
        service: agentService,
        handlers: { Connect: connect },
        raw: { [rawPaths.carry]: createCarryHandler({ sessions, metrics }) },
      },
      options.agents,
    ),
    log: log.with({ listener: "agents" }),
    onRefused: (reason) => metrics.handshakeRefused("agents", reason),
  });
  const frontends = createListener("frontend-listener", options.frontends, {
    protocol: frontendProtocol(options, { backends, metrics, dialTimeoutMs, log }),
    log: log.with({ listener: "frontends" }),
    onRefused: (reason) => metrics.handshakeRefused("frontends", reason),
  });
  return {
    name: "tunnel-server",
    get ports() {
      return { frontends: frontends.port, agents: agents.port };
    },
    reasonNotReady() {
      if (!frontends.isListening || !agents.isListening) return "not listening";
      return backends.isEmpty ? "no connection to any proxy agent" : undefined;
    },
    run: (signal) => runAll([frontends, agents], signal),
  };
}

function frontendProtocol(
  { frontendMode = "grpc", frontends }: TunnelServerOptions,
  proxying: ProxyOptions,
): ConnectionProtocol {
  if (frontendMode === "http-connect") return createHttpConnectProtocol(proxying);
  return createRpcProtocol(
    {
      service: proxyService,
      handlers: { Proxy: createProxyHandler(proxying), Greet: createGreeter(frontends) },
      raw: { [rawPaths.proxy]: createRawProxyHandler(proxying) },
    },
    frontends,
  );
}
