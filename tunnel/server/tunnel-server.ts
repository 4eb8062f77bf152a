import { type Logger, type Metrics, type Runnable, runAll, silentLogger } from "#runtime";
import { ReceiveBudget, type ReceiveLimits } from "../flow/shared-receiver.ts";
import { rawPaths } from "../rpc/raw-headers.ts";
import { createRpcServer, type ListenerOptions } from "../rpc/rpc-server.ts";
import { agentService, proxyService } from "../rpc/services.ts";
import { type AuthorizeAgent, sharedIdentity } from "./authorize-agent.ts";
import { Backends, type StrategyName } from "./backends.ts";
import { createCarryHandler } from "./carry-handler.ts";
import { createConnectHandler } from "./connect-handler.ts";
import { createProxyHandler, createRawProxyHandler, greet } from "./proxy-handler.ts";
import { createServerMetrics } from "./server-metrics.ts";
import { Sessions } from "./sessions.ts";

export interface TunnelServerOptions {
  /** Tells the servers of one address apart. */
  readonly serverId: string;
  /** How many servers agents should look for; asked at each handshake. */
  readonly serverCount: () => number;
  /** Where frontends connect. Its CA admits frontends only. */
  readonly frontends: ListenerOptions;
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

export interface TunnelServer extends Runnable {
  /** The ports it listens on; 0 before it does. */
  readonly ports: { readonly frontends: number; readonly agents: number };
  /** Why no dial can work, or `undefined` while an agent is connected. */
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
    backends,
    sessions,
    budget,
    metrics,
    log: log.with({ listener: "agents" }),
  });
  const proxying = { backends, metrics, dialTimeoutMs, log };
  const agents = createRpcServer(
    "agent-listener",
    {
      service: agentService,
      handlers: { Connect: connect },
      raw: { [rawPaths.carry]: createCarryHandler({ sessions, metrics }) },
    },
    options.agents,
    log.with({ listener: "agents" }),
  );
  const frontends = createRpcServer(
    "frontend-listener",
    {
      service: proxyService,
      handlers: { Proxy: createProxyHandler(proxying), Greet: greet },
      raw: { [rawPaths.proxy]: createRawProxyHandler(proxying) },
    },
    options.frontends,
    log.with({ listener: "frontends" }),
  );
  return {
    name: "tunnel-server",
    get ports() {
      return { frontends: frontends.port, agents: agents.port };
    },
    reasonNotReady: () => (backends.isEmpty ? "no connection to any proxy agent" : undefined),
    run: (signal) => runAll([frontends, agents], signal),
  };
}
