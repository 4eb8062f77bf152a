import { join } from "node:path";
import type { Tools } from "#bed";
import { type Child, listening, runMeasure, startChild } from "./child.ts";

export type Maker = "ours" | "Go";

/** Who made each of the three parts, and how far the agent is from the server. */
export interface StackPlan {
  readonly client: Maker;
  readonly server: Maker;
  readonly agent: Maker;
  readonly roundTripMs: number;
}

export interface Throughput {
  readonly bytes: number;
  readonly seconds: number;
}

export interface StackContext {
  readonly tools: Tools;
  /** Where the certificates lie. */
  readonly directory: string;
  readonly targetPort: number;
  /** Ports from here on are free. */
  readonly firstPort: number;
}

const here = import.meta.dirname;

/** A tunnel of separate processes, and the means to measure through it. */
export class TunnelStack implements AsyncDisposable {
  readonly server: Child;
  readonly agent: Child;
  readonly #plan: StackPlan;
  readonly #context: StackContext;
  readonly #relay: Child | undefined;

  private constructor(
    plan: StackPlan,
    context: StackContext,
    parts: { server: Child; agent: Child; relay: Child | undefined },
  ) {
    this.#plan = plan;
    this.#context = context;
    this.server = parts.server;
    this.agent = parts.agent;
    this.#relay = parts.relay;
  }

  static async start(plan: StackPlan, context: StackContext): Promise<TunnelStack> {
    const { firstPort: frontendPort } = context;
    const agentPort = frontendPort + 1;
    const relayPort = frontendPort + 2;
    const server = startServer(plan.server, context);
    await listening(frontendPort);
    const isFar = plan.roundTripMs > 0;
    const relay = isFar ? startRelay(relayPort, agentPort, plan.roundTripMs) : undefined;
    if (isFar) await listening(relayPort);
    const agent = startAgent(plan.agent, context, isFar ? relayPort : agentPort);
    const stack = new TunnelStack(plan, context, { server, agent, relay });
    await stack.#served();
    return stack;
  }

  /** Runs the client in one of its modes. */
  async measure<T>(mode: string, seconds: number, count = 1): Promise<T> {
    const { tools, directory, targetPort, firstPort } = this.#context;
    const common = [
      ["server", `127.0.0.1:${firstPort}`],
      ["target", `127.0.0.1:${targetPort}`],
      ["mode", mode],
      ["seconds", String(seconds)],
      ["count", String(count)],
    ].map(([name, value]) => `--${name}=${value}`);
    const limitMs = seconds * 1000 + 40_000;
    if (this.#plan.client === "ours") {
      const args = [join(here, "client.ts"), `--directory=${directory}`, ...common];
      return runMeasure(process.execPath, args, limitMs);
    }
    const files = [
      `--ca=${join(directory, "frontend-ca.crt")}`,
      `--cert=${join(directory, "frontend-client.crt")}`,
      `--key=${join(directory, "frontend-client.key")}`,
    ];
    return runMeasure(tools.path("konnectivity-bench"), [...files, ...common], limitMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const parts = [this.agent, this.server, ...(this.#relay ? [this.#relay] : [])];
    await Promise.all(parts.map((part) => part[Symbol.asyncDispose]()));
  }

  /** Waits until the agent can be reached. */
  async #served(): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      try {
        await this.measure("dial", 0, 1);
        return;
      } catch (error) {
        if (tries === 20) throw error;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
  }
}

function startRelay(from: number, to: number, roundTripMs: number): Child {
  const args = [join(here, "delay-relay.ts"), ...[from, to, roundTripMs].map(String)];
  return startChild("relay", process.execPath, args);
}

/** Ours as `role`, with the port or ports that it takes. */
export function startPeer(role: string, directory: string, ports: string): Child {
  return startChild(role, process.execPath, [join(here, "peer.ts"), role, directory, ports]);
}

function startServer(maker: Maker, { tools, directory, firstPort }: StackContext): Child {
  if (maker === "ours") return startPeer("server", directory, `${firstPort},${firstPort + 1}`);
  const file = (name: string) => join(directory, name);
  return startChild("server", tools.path("konnectivity-server-0.36"), [
    `--server-ca-cert=${file("frontend-ca.crt")}`,
    `--server-cert=${file("frontend-server.crt")}`,
    `--server-key=${file("frontend-server.key")}`,
    `--cluster-ca-cert=${file("agent-ca.crt")}`,
    `--cluster-cert=${file("agent-server.crt")}`,
    `--cluster-key=${file("agent-server.key")}`,
    `--server-port=${firstPort}`,
    `--agent-port=${firstPort + 1}`,
    `--health-port=${firstPort + 3}`,
    `--admin-port=${firstPort + 4}`,
    "--proxy-strategies=destHost",
  ]);
}

function startAgent(maker: Maker, { tools, directory, firstPort }: StackContext, port: number) {
  if (maker === "ours") return startPeer("agents=1", directory, String(port));
  return startChild("agent", tools.path("konnectivity-agent-0.36"), [
    `--ca-cert=${join(directory, "agent-ca.crt")}`,
    `--agent-cert=${join(directory, "agent-client.crt")}`,
    `--agent-key=${join(directory, "agent-client.key")}`,
    "--proxy-server-host=127.0.0.1",
    `--proxy-server-port=${port}`,
    `--health-server-port=${firstPort + 5}`,
    `--admin-server-port=${firstPort + 6}`,
    "--agent-identifiers=host=127.0.0.1",
  ]);
}
