import { findFreePorts, waitFor } from "#bed";
import { ourProgramsWith, type ServerProcess, type TunnelProcess, TunnelProcesses } from "#testing";
import { gatewayNodeFlags } from "../../controllers/cluster-gateway/server/pod-spec.ts";
import { tunnelNodeFlags } from "../../controllers/cluster-proxy/node-flags.ts";
import { type FrontendFiles, FrontendProcess } from "./frontend-process.ts";
import { clockOf, openHandles, type ProcessState, processState } from "./process-state.ts";
import { startTarget, type Target } from "./target.ts";

/** The processes of a tunnel. */
export const parts = ["server", "agent", "frontend"] as const;
export type Part = (typeof parts)[number];
export type ByPart<T> = Readonly<Record<Part, T>>;

export interface StackOptions {
  readonly serverFlags?: readonly string[];
  readonly agentFlags?: readonly string[];
  /** Where the agent connects, if not to the server itself. */
  readonly agentPort?: (server: ServerProcess) => Promise<number>;
  readonly frontendKeepaliveMs?: number;
  /** The frontend's certificates, if not those that the server trusts by itself. */
  readonly frontendFiles?: FrontendFiles;
  /** Of all three, beside those of the charts. */
  readonly nodeFlags?: readonly string[];
}

const pending = "konnectivity_network_proxy_server_pending_backend_dials";
const established = "konnectivity_network_proxy_server_established_connections";
const endpoints = "konnectivity_network_proxy_agent_open_endpoint_connections";

/** Server, agent and frontend, each a process of its own with the flags that charts give it. */
export class TunnelStack implements AsyncDisposable {
  readonly processes: TunnelProcesses;
  readonly target: Target;
  readonly server: ServerProcess;
  readonly agent: TunnelProcess;
  readonly frontend: FrontendProcess;
  readonly #inspectPorts: ByPart<number>;

  private constructor(
    shared: { readonly processes: TunnelProcesses; readonly target: Target },
    started: Pick<TunnelStack, Part>,
    inspectPorts: ByPart<number>,
  ) {
    this.processes = shared.processes;
    this.target = shared.target;
    this.server = started.server;
    this.agent = started.agent;
    this.frontend = started.frontend;
    this.#inspectPorts = inspectPorts;
  }

  /** Starts all of it and waits until a request comes through. */
  static async start(options: StackOptions = {}): Promise<TunnelStack> {
    await using owned = new AsyncDisposableStack();
    const processes = owned.use(await TunnelProcesses.open());
    const target = owned.use(await startTarget());
    const [server, agent, frontend] = await findFreePorts(3);
    const inspectPorts = { server, agent, frontend };
    const started = await startParts(processes, inspectPorts, options);
    owned.use(started.frontend);
    const stack = new TunnelStack({ processes, target }, started, inspectPorts);
    await stack.serves();
    owned.move();
    return stack;
  }

  /** What each process holds, its garbage collected. */
  state(): Promise<ByPart<ProcessState>> {
    return byPart((part) =>
      processState({ pid: this[part].pid, inspectPort: this.#inspectPorts[part] }),
    );
  }

  /** Open files and sockets of each process. */
  handles(): Promise<ByPart<number>> {
    return byPart((part) => openHandles(this[part].pid));
  }

  /** What each process takes for the time, in milliseconds since 1970. */
  clocks(): Promise<ByPart<number>> {
    return byPart((part) => clockOf(this.#inspectPorts[part]));
  }

  /** Waits until a request comes through. */
  async serves(): Promise<void> {
    await waitFor("a request to come through", async () => {
      await this.frontend.call("request", { port: this.target.port });
      return true;
    });
  }

  /** How many dials and connections server, agent and target have open. */
  async openConnections(): Promise<number> {
    const counts = await Promise.all([
      this.server.metric(pending),
      this.server.metric(established),
      this.agent.metric(endpoints),
    ]);
    return counts.reduce((sum, count) => sum + count, this.target.connections);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.frontend[Symbol.asyncDispose]();
    await this.target[Symbol.asyncDispose]();
    await this.processes[Symbol.asyncDispose]();
  }
}

async function startParts(
  processes: TunnelProcesses,
  inspectPorts: ByPart<number>,
  options: StackOptions,
): Promise<Pick<TunnelStack, Part>> {
  const { nodeFlags = [], serverFlags = [], agentFlags = [] } = options;
  const own = (part: Part) => [`--inspect=127.0.0.1:${inspectPorts[part]}`, ...nodeFlags];
  const server = await processes.startServer(
    ourProgramsWith([...tunnelNodeFlags, ...own("server")]),
    { flags: ["--proxy-strategies=destHost", ...serverFlags] },
  );
  const agent = await processes.startAgent(ourProgramsWith([...tunnelNodeFlags, ...own("agent")]), {
    port: (await options.agentPort?.(server)) ?? server.ports.agents,
    flags: ["--agent-identifiers=host=127.0.0.1", ...agentFlags],
  });
  const keepaliveTimeMs = options.frontendKeepaliveMs;
  const frontend = await FrontendProcess.start({
    ...(options.frontendFiles ?? (await frontendFiles(processes))),
    servers: [server.ports.frontends],
    nodeFlags: [...gatewayNodeFlags, ...own("frontend")],
    ...(keepaliveTimeMs !== undefined && { keepaliveTimeMs }),
  });
  return { server, agent, frontend };
}

async function byPart<T>(make: (part: Part) => Promise<T>): Promise<ByPart<T>> {
  const made = await Promise.all(parts.map(async (part) => [part, await make(part)] as const));
  return Object.fromEntries(made) as ByPart<T>;
}

async function frontendFiles(processes: TunnelProcesses): Promise<FrontendFiles> {
  const { frontends } = processes;
  const { cert, key } = await frontends.client("frontend");
  return {
    caFile: await processes.file("ca.crt", frontends.caPem),
    certFile: await processes.file("tls.crt", cert),
    keyFile: await processes.file("tls.key", key),
  };
}
