import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findFreePorts } from "#bed";
import type { TestAuthority } from "./certificates.ts";

/** Upstream's programs, of one version. */
export interface GoPrograms {
  readonly server: string;
  readonly agent: string;
  readonly client: string;
}

export interface GoProcess {
  /** What it wrote so far. */
  readonly output: string;
  /** Resolves with the exit code. */
  readonly exited: Promise<number | null>;
  signal(name: NodeJS.Signals): void;
}

/** Runs upstream's tunnel programs over loopback with files of their own. */
export interface GoKonnectivity extends AsyncDisposable {
  startServer(options: {
    readonly frontends: TestAuthority;
    readonly agents: TestAuthority;
    readonly flags?: readonly string[];
  }): Promise<
    GoProcess & { readonly ports: { readonly frontends: number; readonly agents: number } }
  >;
  startAgent(options: {
    readonly authority: TestAuthority;
    readonly port: number;
    readonly flags?: readonly string[];
  }): Promise<GoProcess>;
  /** One HTTP request of upstream's test client to `url`, through the server at `port`. */
  request(options: {
    readonly authority: TestAuthority;
    readonly port: number;
    readonly url: URL;
  }): Promise<GoProcess>;
}

/** Everything that was started ends with it. */
export async function openGoKonnectivity(programs: GoPrograms): Promise<GoKonnectivity> {
  const directory = await mkdtemp(join(tmpdir(), "spokeway-go-"));
  const children = new Set<ChildProcess>();
  let files = 0;
  const file = async (name: string, text: string): Promise<string> => {
    // Programs that start at the same time have certificates of their own.
    files += 1;
    const path = join(directory, `${files}-${name}`);
    await writeFile(path, text);
    return path;
  };
  const start = (program: string, args: readonly string[]): GoProcess => {
    // Upstream's test client closes its connection at any signal, and Go's scheduler sends itself
    // one to preempt a goroutine.
    const command = ["GODEBUG=asyncpreemptoff=1", program, ...args];
    const child = spawn("env", command, { stdio: ["ignore", "pipe", "pipe"] });
    children.add(child);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
    }
    const exited = once(child, "close").then(() => {
      children.delete(child);
      return child.exitCode;
    });
    return {
      get output() {
        return output;
      },
      exited,
      signal: (name) => void child.kill(name),
    };
  };
  return {
    async startServer({ frontends, agents, flags = [] }) {
      const [frontendPort, agentPort, healthPort, adminPort] = await findFreePorts(4);
      const pairs = {
        server: await frontends.server("127.0.0.1", "localhost"),
        cluster: await agents.server("127.0.0.1", "localhost"),
      };
      const process = start(programs.server, [
        `--server-ca-cert=${await file("frontend-ca.crt", frontends.caPem)}`,
        `--server-cert=${await file("server.crt", pairs.server.cert)}`,
        `--server-key=${await file("server.key", pairs.server.key)}`,
        `--cluster-ca-cert=${await file("agent-ca.crt", agents.caPem)}`,
        `--cluster-cert=${await file("cluster.crt", pairs.cluster.cert)}`,
        `--cluster-key=${await file("cluster.key", pairs.cluster.key)}`,
        `--server-port=${frontendPort}`,
        `--agent-port=${agentPort}`,
        `--health-port=${healthPort}`,
        `--admin-port=${adminPort}`,
        "--proxy-strategies=destHost",
        ...flags,
      ]);
      return Object.assign(process, { ports: { frontends: frontendPort, agents: agentPort } });
    },
    async startAgent({ authority, port, flags = [] }) {
      const [healthPort, adminPort] = await findFreePorts(2);
      const pair = await authority.client("cluster1");
      return start(programs.agent, [
        `--ca-cert=${await file("agent-ca.crt", authority.caPem)}`,
        `--agent-cert=${await file("agent.crt", pair.cert)}`,
        `--agent-key=${await file("agent.key", pair.key)}`,
        "--proxy-server-host=127.0.0.1",
        `--proxy-server-port=${port}`,
        `--health-server-port=${healthPort}`,
        `--admin-server-port=${adminPort}`,
        "--agent-identifiers=host=127.0.0.1&host=localhost",
        "--sync-interval=100ms",
        "--sync-interval-cap=200ms",
        ...flags,
      ]);
    },
    async request({ authority, port, url }) {
      const pair = await authority.client("frontend");
      return start(programs.client, [
        `--ca-cert=${await file("frontend-ca.crt", authority.caPem)}`,
        `--client-cert=${await file("client.crt", pair.cert)}`,
        `--client-key=${await file("client.key", pair.key)}`,
        "--proxy-host=127.0.0.1",
        `--proxy-port=${port}`,
        `--request-host=${url.hostname}`,
        `--request-port=${url.port}`,
        `--request-path=${url.pathname.slice(1)}`,
      ]);
    },
    async [Symbol.asyncDispose]() {
      const ends = [...children].map((child) => once(child, "close"));
      for (const child of children) child.kill("SIGKILL");
      await Promise.all(ends);
      await rm(directory, { recursive: true, force: true });
    },
  };
}
