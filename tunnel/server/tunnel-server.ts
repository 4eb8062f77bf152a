import { type Logger, type Metrics, type Runnable, silentLogger } from "#runtime";
import { ReceiveBudget, type ReceiveLimits } from "../flow/shared-receiver.ts";
import {
  type ConnectionProtocol,
  createListener,
  type Listener,
  type ListenerOptions,
  type SocketFileOptions,
} from "../rpc/listener.ts";
import { rawPaths } from "../rpc/raw-headers.ts";
import { createRpcProtocol } from "../rpc/rpc-protocol.ts";
import { agentService, proxyService } from "../rpc/services.ts";
import { AgentNews, type ServerList } from "./agent-news.ts";
import { type AuthorizeAgent, sharedIdentity } from "./authorize-agent.ts";
import { Backends, type StrategyName } from "./backends.ts";
import { createCarryHandler } from "./carry-handler.ts";
import { createConnectHandler } from "./connect-handler.ts";
import { createHttpConnectProtocol } from "./http-connect.ts";
import { leaveInOrder, noticeMs } from "./leaving.ts";
import {
  createGreeter,
  createProxyHandler,
  createRawProxyHandler,
  type ProxyOptions,
} from "./proxy-handler.ts";
import { Reports } from "./reports.ts";
import { createServerMetrics, type ServerMetrics } from "./server-metrics.ts";
import { Sessions } from "./sessions.ts";

export interface TunnelServerOptions {
  /** Tells the servers of one address apart. */
  readonly serverId: string;
  /** How many servers agents should look for; asked at each handshake. */
  readonly serverCount: () => number;
  /** The servers that agents of ours are told of, where somebody counts them. */
  readonly servers?: ServerList | undefined;
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
  const { serverId, servers, log = silentLogger } = options;
  const metrics = createServerMetrics(options.metrics);
  const backends = new Backends(options.strategies);
  metrics.backends(backends.sizes());
  const news = new AgentNews(serverId, servers);
  const reports = new Reports(backends);
  const parts: Parts = { backends, news, reports, metrics, log };
  const { graceMs } = options.frontends;
  const frontends = createFrontendDoor(options, parts);
  const agents = createAgentDoor(options, parts);
  const doors = leaveInOrder("frontend-listener", {
    graceMs,
    announce() {
      log.info("Asking agents and frontends to use other servers");
      news.leave();
      reports.leave();
    },
    frontends,
    agents,
  });
  return {
    name: "tunnel-server",
    get ports() {
      return { frontends: frontends.port, agents: agents.port };
    },
    reasonNotReady() {
      if (news.isLeaving) return "about to end";
      if (!frontends.isListening || !agents.isListening) return "not listening";
      return backends.isEmpty ? "no connection to any proxy agent" : undefined;
    },
    async run(signal) {
      const stopNews = news.follow();
      await doors.run(signal).finally(stopNews);
    },
  };
}

/** What both doors share. */
interface Parts {
  readonly backends: Backends;
  readonly news: AgentNews;
  readonly reports: Reports;
  readonly metrics: ServerMetrics;
  readonly log: Logger;
}

function createAgentDoor(options: TunnelServerOptions, parts: Parts): Listener {
  const { agents, serverId, serverCount, authorizeAgent = sharedIdentity } = options;
  const { metrics } = parts;
  const log = parts.log.with({ listener: "agents" });
  const sessions = new Sessions();
  const connect = createConnectHandler({
    ...parts,
    serverId,
    serverCount,
    authorizeAgent,
    keepaliveTimeMs: agents.keepaliveTimeMs,
    sessions,
    budget: new ReceiveBudget(options.receiveLimits),
    log,
  });
  const routes = {
    service: agentService,
    handlers: { Connect: connect },
    raw: { [rawPaths.carry]: createCarryHandler({ sessions, metrics }) },
  };
  // Agents are let go last, when there is nothing left to wait for.
  return createListener(
    "agent-listener",
    { ...agents, graceMs: 0 },
    {
      protocol: createRpcProtocol(routes, agents),
      log,
      onRefused: (reason) => metrics.handshakeRefused("agents", reason),
    },
  );
}

function createFrontendDoor(options: TunnelServerOptions, parts: Parts): Listener {
  const { frontends, dialTimeoutMs = defaultDialTimeoutMs } = options;
  const { reports, backends, metrics, log } = parts;
  const graceMs = frontends.graceMs - noticeMs(frontends.graceMs);
  return createListener(
    "frontend-listener",
    { ...frontends, graceMs },
    {
      protocol: frontendProtocol(options, reports, { backends, metrics, dialTimeoutMs, log }),
      log: log.with({ listener: "frontends" }),
      onRefused: (reason) => metrics.handshakeRefused("frontends", reason),
    },
  );
}

function frontendProtocol(
  { frontendMode = "grpc", frontends }: TunnelServerOptions,
  reports: Reports,
  proxying: ProxyOptions,
): ConnectionProtocol {
  if (frontendMode === "http-connect") return createHttpConnectProtocol(proxying);
  return createRpcProtocol(
    {
      service: proxyService,
      handlers: {
        Proxy: createProxyHandler(proxying),
        Greet: createGreeter(reports, frontends),
      },
      raw: { [rawPaths.proxy]: createRawProxyHandler(proxying) },
    },
    frontends,
  );
}
