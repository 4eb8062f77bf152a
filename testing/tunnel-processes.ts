import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findFreePorts, waitFor } from "#bed";
import { makeAuthority, type TestAuthority } from "./certificates.ts";

/** The command lines of one maker's programs, to which flags are added. */
export interface TunnelPrograms {
  readonly name: string;
  readonly server: readonly string[];
  readonly agent: readonly string[];
  /** For agents that do not connect to this machine unless they are told to. */
  readonly agentFlags: readonly string[];
}

const source = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** Our programs, from their sources, with these flags of Node. */
export function ourProgramsWith(nodeFlags: readonly string[]): TunnelPrograms {
  return {
    name: "ours",
    server: [process.execPath, ...nodeFlags, source("cmd/tunnel-server.ts")],
    agent: [process.execPath, ...nodeFlags, source("cmd/agent.ts"), "tunnel"],
    agentFlags: ["--allow-target-networks=127.0.0.0/8,::1"],
  };
}

/** Our programs, from their sources. */
export const ourTunnelPrograms = ourProgramsWith([]);

/** A program that runs, and its health port. */
export interface TunnelProcess {
  readonly pid: number;
  /** What it wrote so far. */
  readonly output: string;
  /** Resolves with the exit code. */
  readonly exited: Promise<number | null>;
  readonly signal: (name: NodeJS.Signals) => void;
  /** Kills it if it still runs, starts it again as it was and waits until it is healthy. */
  readonly restart: () => Promise<void>;
  /** What its health port answers. */
  readonly get: (path: string) => Promise<{ readonly status: number; readonly body: string }>;
  /** The sum of the samples of one metric whose labels contain `labels`. */
  readonly metric: (name: string, labels?: string) => Promise<number>;
}

interface Spawned {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  readonly read: () => string;
}

export interface ServerProcess extends TunnelProcess {
  readonly ports: { readonly frontends: number; readonly agents: number; readonly admin: number };
  /** Where frontends connect that use no port. */
  readonly socket: string;
}

export interface ServerProcessOptions {
  /** Defaults to `port`, behind TLS. */
  readonly frontends?: "port" | "socket";
  /** How agents are known. Defaults to `certificate`. */
  readonly agents?: "certificate" | "token";
  readonly flags?: readonly string[];
  /** In place of the variables of this process. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface AgentProcessOptions {
  readonly port: number;
  readonly auth?: "certificate" | "token";
  readonly flags?: readonly string[];
}

/**
 * Starts tunnel servers and agents of any maker with the same flags over loopback, with
 * certificates of their own. All of them end with it.
 */
export class TunnelProcesses implements AsyncDisposable {
  readonly directory: string;
  readonly frontends: TestAuthority;
  readonly agents: TestAuthority;
  readonly #children = new Set<ChildProcess>();
  #files = 0;

  private constructor(directory: string, frontends: TestAuthority, agents: TestAuthority) {
    this.directory = directory;
    this.frontends = frontends;
    this.agents = agents;
  }

  static async open(): Promise<TunnelProcesses> {
    const directory = await mkdtemp(join(tmpdir(), "spokeway-tunnel-"));
    const [frontends, agents] = await Promise.all([makeAuthority("f"), makeAuthority("a")]);
    return new TunnelProcesses(directory, frontends, agents);
  }

  /** Writes a file of its own and returns its path. */
  async file(name: string, text: string): Promise<string> {
    this.#files += 1;
    const path = join(this.directory, `${this.#files}-${name}`);
    await writeFile(path, text, { mode: 0o600 });
    return path;
  }

  /** The flags of a certificate, its key and the CA to trust. */
  async pairFlags(
    names: readonly [ca: string, cert: string, key: string],
    authority: TestAuthority,
    pair: { readonly cert: string; readonly key: string },
  ): Promise<readonly [string, string, string]> {
    return [
      `--${names[0]}=${await this.file("ca.crt", authority.caPem)}`,
      `--${names[1]}=${await this.file("tls.crt", pair.cert)}`,
      `--${names[2]}=${await this.file("tls.key", pair.key)}`,
    ];
  }

  /** Starts a server and waits until it is healthy. Throws with its output when it ends. */
  async startServer(
    { server }: Pick<TunnelPrograms, "server">,
    options: ServerProcessOptions = {},
  ): Promise<ServerProcess> {
    const { frontends = "port", agents = "certificate", flags = [], environment } = options;
    const [front, back, health, admin] = await findFreePorts(4);
    const socket = join(this.directory, `${front}.sock`);
    const serving = (authority: TestAuthority) => authority.server("127.0.0.1", "localhost");
    const [ca, ...pair] = await this.pairFlags(
      ["cluster-ca-cert", "cluster-cert", "cluster-key"],
      this.agents,
      await serving(this.agents),
    );
    const frontFlags =
      frontends === "socket"
        ? [`--uds-name=${socket}`, "--server-port=0"]
        : [
            `--server-port=${front}`,
            ...(await this.pairFlags(
              ["server-ca-cert", "server-cert", "server-key"],
              this.frontends,
              await serving(this.frontends),
            )),
          ];
    const process = await this.#start(
      server,
      health,
      [
        ...frontFlags,
        ...(agents === "certificate" ? [ca, ...pair] : pair),
        `--agent-port=${back}`,
        `--health-port=${health}`,
        `--admin-port=${admin}`,
        ...flags,
      ],
      environment,
    );
    return Object.assign(process, { ports: { frontends: front, agents: back, admin }, socket });
  }

  /** Starts an agent and waits until it is healthy, not until it is connected. */
  async startAgent(
    { agent, agentFlags }: Pick<TunnelPrograms, "agent" | "agentFlags">,
    { port, auth = "certificate", flags = [] }: AgentProcessOptions,
  ): Promise<TunnelProcess> {
    const [health, admin] = await findFreePorts(2);
    const [ca, ...pair] = await this.pairFlags(
      ["ca-cert", "agent-cert", "agent-key"],
      this.agents,
      await this.agents.client("cluster1"),
    );
    return this.#start(agent, health, [
      ca,
      ...(auth === "certificate" ? pair : []),
      "--proxy-server-host=127.0.0.1",
      `--proxy-server-port=${port}`,
      `--health-server-port=${health}`,
      `--admin-server-port=${admin}`,
      "--sync-interval=100ms",
      "--sync-interval-cap=200ms",
      ...agentFlags,
      ...flags,
    ]);
  }

  /** Runs a program to its end. */
  async run([program = "", ...args]: readonly string[]) {
    const { exited, read } = this.#spawn(program, args);
    return { code: await exited, output: read() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ends = [...this.#children].map((child) => once(child, "close"));
    for (const child of this.#children) child.kill("SIGKILL");
    await Promise.all(ends);
    await rm(this.directory, { recursive: true, force: true });
  }

  async #start(
    command: readonly string[],
    health: number,
    flags: readonly string[],
    environment?: Readonly<Record<string, string>>,
  ): Promise<TunnelProcess> {
    const [program = "", ...args] = [...command, ...flags];
    const get = (path: string) => ask(health, path);
    let current = this.#spawn(program, args, environment);
    await healthy(current, get);
    return {
      get pid() {
        return current.child.pid ?? 0;
      },
      get output() {
        return current.read();
      },
      get exited() {
        return current.exited;
      },
      signal: (name) => void current.child.kill(name),
      restart: async () => {
        current.child.kill("SIGKILL");
        await current.exited;
        current = this.#spawn(program, args, environment);
        await healthy(current, get);
      },
      get,
      metric: async (name, labels = "") => sumOf((await get("/metrics")).body, name, labels),
    };
  }

  #spawn(
    program: string,
    args: readonly string[],
    environment?: Readonly<Record<string, string>>,
  ): Spawned {
    const child = spawn(program, args, {
      ...(environment !== undefined && { env: environment }),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#children.add(child);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
    }
    const exited = once(child, "close").then(() => {
      this.#children.delete(child);
      return child.exitCode;
    });
    return { child, exited, read: () => output };
  }
}

/** Waits until the program is healthy. Throws with its output when it ends. */
async function healthy({ child, exited, read }: Spawned, get: TunnelProcess["get"]): Promise<void> {
  const name = child.spawnfile;
  const ended = exited.then((code) => {
    throw new Error(`${name} ended with ${code}: ${read()}`);
  });
  ended.catch(() => undefined);
  const stop = new AbortController();
  const isHealthy = async () => (await get("/healthz")).status === 200;
  const until = waitFor(`${name} to be healthy`, isHealthy, { signal: stop.signal });
  await Promise.race([until, ended]).finally(() => stop.abort());
}

async function ask(port: number, path: string) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { redirect: "manual" });
  return { status: response.status, body: await response.text() };
}

/** Reads Prometheus' text format. */
function sumOf(text: string, name: string, labels: string): number {
  const samples = text.split("\n").flatMap((line) => {
    const [, metric, found = "", value] = /^([a-z_]+)(\{.*\})? (\S+)$/i.exec(line) ?? [];
    return metric === name && found.includes(labels) ? [Number(value)] : [];
  });
  return samples.reduce((sum, value) => sum + value, 0);
}
