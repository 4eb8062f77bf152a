import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { benchTools, findFreePorts, findTools, type Tools } from "#bed";
import { gatewayNodeFlags } from "../../../controllers/cluster-gateway/server/pod-spec.ts";
import { tunnelNodeFlags } from "../../../controllers/cluster-proxy/node-flags.ts";
import { bundlePrograms } from "../../../tools/bundle.ts";
import { type Child, listening, runMeasure, startChild } from "./child.ts";
import { writePairs } from "./pairs.ts";

export type Maker = "ours" | "Go";

/** Who made each of the three parts, and how far the agent is from the server. */
export interface StackPlan {
  readonly client: Maker;
  readonly server: Maker;
  readonly agent: Maker;
  readonly roundTripMs: number;
}

const here = import.meta.dirname;
const repository = join(here, "..", "..", "..");
/** Ports by what listens there. */
const portNames = [
  "frontends",
  "agents",
  "relay",
  "target",
  "serverHealth",
  "serverAdmin",
  "agentHealth",
  "agentAdmin",
] as const;

/** What all stacks share: programs as they are shipped, certificates, ports, and the target. */
export class Bench implements AsyncDisposable {
  readonly directory: string;
  readonly tools: Tools;
  readonly ports: Readonly<Record<(typeof portNames)[number], number>>;
  readonly #stack: AsyncDisposableStack;

  private constructor(
    directory: string,
    tools: Tools,
    ports: readonly number[],
    stack: AsyncDisposableStack,
  ) {
    this.directory = directory;
    this.tools = tools;
    const named = portNames.map((name, index) => [name, ports[index] ?? 0] as const);
    this.ports = Object.fromEntries(named) as Bench["ports"];
    this.#stack = stack;
  }

  static async start(): Promise<Bench> {
    await using stack = new AsyncDisposableStack();
    const tools = await findTools(benchTools);
    const directory = await mkdtemp(join(tmpdir(), "spokeway-bench-"));
    stack.defer(async () => rm(directory, { recursive: true, force: true }));
    await bundlePrograms(join(repository, "cmd"), join(directory, "app"));
    await writePairs(directory);
    const ports = await findFreePorts(portNames.length);
    const bench = new Bench(directory, tools, ports, stack.move());
    const { target } = bench.ports;
    const listen = ["--mode=target", `--listen=127.0.0.1:${target}`];
    bench.#stack.use(bench.startChild("target", [tools.path("konnectivity-bench"), ...listen]));
    await listening(target);
    return bench;
  }

  startChild(
    name: string,
    command: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Child {
    return startChild(join(this.directory, `${name}.log`), command, env);
  }

  file(name: string): string {
    return join(this.directory, name);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

type Part = "server" | "agent";

/** A tunnel of separate processes, and the means to measure through it. */
export class TunnelStack implements AsyncDisposable {
  readonly #bench: Bench;
  readonly #plan: StackPlan;
  readonly #parts = new Map<Part | "relay", Child>();

  private constructor(bench: Bench, plan: StackPlan) {
    this.#bench = bench;
    this.#plan = plan;
  }

  static async start(bench: Bench, plan: StackPlan): Promise<TunnelStack> {
    const stack = new TunnelStack(bench, plan);
    stack.startPart("server");
    await listening(bench.ports.frontends);
    if (plan.roundTripMs > 0) await stack.#startRelay();
    stack.startPart("agent");
    await stack.#served();
    return stack;
  }

  /** Processor seconds of server and agent so far. */
  cpuSeconds(): number {
    return this.part("server").cpuSeconds() + this.part("agent").cpuSeconds();
  }

  part(name: Part): Child {
    const part = this.#parts.get(name);
    if (part === undefined) throw new Error(`The ${name} does not run`);
    return part;
  }

  startPart(name: Part): void {
    const maker = this.#plan[name];
    const { tools } = this.#bench;
    const [flags, env] = name === "server" ? [this.#serverFlags(), {}] : this.#agentFlags();
    const own = [process.execPath, ...tunnelNodeFlags, ...this.#bundle(name)];
    const program = maker === "ours" ? own : [tools.path(`konnectivity-${name}-0.36`)];
    const child = this.#bench.startChild(`${maker}-${name}`, [...program, ...flags], env);
    this.#parts.set(name, child);
  }

  async killPart(name: Part): Promise<void> {
    await this.part(name)[Symbol.asyncDispose]();
  }

  /** Runs the client in one of its modes. */
  async measure<T>(mode: string, seconds: number, count = 1): Promise<T> {
    const { ports, directory, tools } = this.#bench;
    const common = [
      `--server=127.0.0.1:${ports.frontends}`,
      `--target=127.0.0.1:${ports.target}`,
      `--mode=${mode}`,
      `--seconds=${seconds}`,
      `--count=${count}`,
    ];
    const limitMs = seconds * 1000 + 40_000;
    if (this.#plan.client === "ours") {
      const program = [process.execPath, ...gatewayNodeFlags, join(here, "client.ts")];
      return runMeasure([...program, `--directory=${directory}`, ...common], limitMs);
    }
    const pair = [
      `--ca=${this.#bench.file("frontend-ca.crt")}`,
      `--cert=${this.#bench.file("frontend-client.crt")}`,
      `--key=${this.#bench.file("frontend-client.key")}`,
    ];
    return runMeasure([tools.path("konnectivity-bench"), ...pair, ...common], limitMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Array.from(this.#parts.values(), (part) => part[Symbol.asyncDispose]()));
  }

  #bundle(name: Part): readonly string[] {
    const app = (file: string) => this.#bench.file(join("app", file));
    return name === "server" ? [app("tunnel-server.mjs")] : [app("agent.mjs"), "tunnel"];
  }

  async #startRelay(): Promise<void> {
    const { ports, tools } = this.#bench;
    const flags = [
      "--mode=relay",
      `--listen=127.0.0.1:${ports.relay}`,
      `--target=127.0.0.1:${ports.agents}`,
      `--round-trip=${this.#plan.roundTripMs}ms`,
    ];
    const relay = this.#bench.startChild("relay", [tools.path("konnectivity-bench"), ...flags]);
    this.#parts.set("relay", relay);
    await listening(ports.relay);
  }

  #serverFlags(): readonly string[] {
    const { ports } = this.#bench;
    const file = (name: string) => this.#bench.file(name);
    return [
      `--server-ca-cert=${file("frontend-ca.crt")}`,
      `--server-cert=${file("frontend-server.crt")}`,
      `--server-key=${file("frontend-server.key")}`,
      `--cluster-ca-cert=${file("agent-ca.crt")}`,
      `--cluster-cert=${file("agent-server.crt")}`,
      `--cluster-key=${file("agent-server.key")}`,
      `--server-port=${ports.frontends}`,
      `--agent-port=${ports.agents}`,
      `--health-port=${ports.serverHealth}`,
      `--admin-port=${ports.serverAdmin}`,
      "--proxy-strategies=destHost",
    ];
  }

  #agentFlags(): readonly [readonly string[], Readonly<Record<string, string>>] {
    const { ports } = this.#bench;
    const { agent, roundTripMs } = this.#plan;
    const common = [
      `--ca-cert=${this.#bench.file("agent-ca.crt")}`,
      `--agent-cert=${this.#bench.file("agent-client.crt")}`,
      `--agent-key=${this.#bench.file("agent-client.key")}`,
      "--proxy-server-host=127.0.0.1",
      `--proxy-server-port=${roundTripMs > 0 ? ports.relay : ports.agents}`,
      `--health-server-port=${ports.agentHealth}`,
      `--admin-server-port=${ports.agentAdmin}`,
      "--agent-identifiers=host=127.0.0.1",
    ];
    return [agent === "Go" ? common : [...common, "--allow-target-networks=127.0.0.0/8"], {}];
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
