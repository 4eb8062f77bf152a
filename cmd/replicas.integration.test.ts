import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { isTorture, type ProcessCluster, startProcessCluster, waitFor } from "#bed";
import { createTransport, type Transport } from "#proxy";
import {
  type Balancer,
  ourTunnelPrograms as ours,
  type ServerProcess,
  startBalancer,
  startUpstream,
  type TestUpstream,
  type TunnelProcess,
  TunnelProcesses,
  tlsOf,
  upstreamName,
} from "#testing";
import { createTunnelClient, type ServerAddresses, type TunnelClient } from "#tunnel";

const never = new AbortController().signal;
const openServers = "konnectivity_network_proxy_agent_open_server_connections";
const knownServers = "konnectivity_network_proxy_agent_known_server_count";
const dialFailures = "konnectivity_network_proxy_server_dial_failure_count";
/** Served by the agent that follows all servers, and by one that has only the first. */
const [everywhere, onlyFirst] = ["127.0.0.1", "localhost"];
const rounds = isTorture ? 5 : 1;

/** Addresses as EndpointSlices tell them: a test changes them. */
class Addresses implements ServerAddresses {
  current: readonly string[] = [];
  readonly #listeners = new Set<() => void>();

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  set(ports: readonly number[]): void {
    this.current = ports.map((port) => `127.0.0.1:${port}`);
    for (const listener of this.#listeners) listener();
  }
}

/** Requests without a pause over kept connections, half of which take a while. */
class Load {
  readonly failures: string[] = [];
  answers = 0;
  readonly #transport: Transport;
  readonly #stop = new AbortController();
  readonly #workers: readonly Promise<void>[];

  constructor(transport: Transport) {
    this.#transport = transport;
    this.#workers = Array.from({ length: 8 }, (_, index) => this.#work(index % 2 ? "/slow" : "/"));
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#workers);
    this.#transport.close();
  }

  async #work(path: string): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        assert.equal(await ask(this.#transport, path), 204);
        this.answers += 1;
      } catch (error) {
        const cause = error instanceof Error ? `${error.message}: ${String(error.cause)}` : error;
        this.failures.push(`${new Date().toISOString()} ${path}: ${String(cause)}`);
      }
      await delay(5);
    }
  }
}

async function ask(transport: Transport, path: string): Promise<number> {
  const call = await transport.call(
    { method: "GET", path, headers: [], hasBody: false, onInformation: () => undefined },
    never,
  );
  return (await call.response).status;
}

/** The tunnel servers behind one address, as a Deployment and a Service keep them. */
class Replicas {
  readonly running: ServerProcess[] = [];
  readonly #processes: TunnelProcesses;
  readonly #door: Balancer;
  readonly #addresses: Addresses;
  readonly #flags: readonly string[];
  #started = 0;

  constructor(
    processes: TunnelProcesses,
    door: Balancer,
    addresses: Addresses,
    flags: readonly string[],
  ) {
    this.#processes = processes;
    this.#door = door;
    this.#addresses = addresses;
    this.#flags = flags;
  }

  async add(): Promise<ServerProcess> {
    this.#started += 1;
    const flags = [...this.#flags, `--server-id=server-${this.#started}`];
    const server = await this.#processes.startServer(ours, { flags });
    this.running.push(server);
    this.#publish(this.running);
    return server;
  }

  /** Ends one as a kubelet does: new connections go elsewhere, its address is known until it ends. */
  async end(server: ServerProcess): Promise<void> {
    await this.assertAskedRightly(server);
    const before = [...this.running];
    this.running.splice(this.running.indexOf(server), 1);
    this.#publish(before);
    server.signal("SIGTERM");
    assert.equal(await server.exited, 0, server.output);
    this.#publish(this.running);
  }

  async kill(server: ServerProcess): Promise<void> {
    this.running.splice(this.running.indexOf(server), 1);
    this.#publish(this.running);
    server.signal("SIGKILL");
    await server.exited;
  }

  async assertAskedRightly(server: ServerProcess): Promise<void> {
    assert.equal(await server.metric(dialFailures, 'reason="no_agent"'), 0, server.output);
  }

  #publish(addressed: readonly ServerProcess[]): void {
    this.#door.lead(this.running.map(({ ports }) => ports.agents));
    this.#addresses.set(addressed.map(({ ports }) => ports.frontends));
  }
}

describe("tunnel servers that come and go", { timeout: 300_000 }, () => {
  let cluster: ProcessCluster;
  let processes: TunnelProcesses;
  let door: Balancer;
  let upstream: TestUpstream;
  let replicas: Replicas;
  let agent: TunnelProcess;
  let client: TunnelClient;
  const addresses = new Addresses();
  const stop = new AbortController();
  let ended: Promise<void> | undefined;

  before(async () => {
    cluster = await startProcessCluster({ name: "replicas" });
    processes = await TunnelProcesses.open();
    door = await startBalancer([]);
    upstream = await startUpstream(processes.frontends, {
      h2(stream, headers) {
        const answer = () => stream.respond({ ":status": 204 }, { endStream: true });
        setTimeout(answer, headers[":path"] === "/slow" ? 300 : 0);
      },
    });
    replicas = new Replicas(processes, door, addresses, [
      "--enable-lease-controller",
      `--kubeconfig=${cluster.kubeconfig}`,
      "--proxy-strategies=destHost",
      "--graceful-shutdown-timeout=20s",
    ]);
    await replicas.add();
    agent = await startAgent(door.port, everywhere);
    client = createTunnelClient({
      servers: ["127.0.0.1:1"],
      addresses,
      tls: tlsOf(processes.frontends, await processes.frontends.client("frontend")),
    });
    ended = client.run(stop.signal).catch(() => undefined);
  });
  after(async () => {
    stop.abort();
    await ended;
    await upstream[Symbol.asyncDispose]();
    await door[Symbol.asyncDispose]();
    await processes[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });

  const startAgent = async (port: number, host: string): Promise<TunnelProcess> => {
    const flags = [`--agent-identifiers=host=${host}`, `--agent-id=${host}-${Math.random()}`];
    const started = await processes.startAgent(ours, { port, flags });
    await waitFor("the agent", async () => (await started.get("/readyz")).status === 200);
    return started;
  };
  const startLoad = (host = everywhere) =>
    new Load(
      createTransport({
        authority: upstreamName,
        dial: (signal) => client.dial(host, upstream.port, signal),
        tls: { ca: upstream.caPem, serverName: upstreamName },
      }),
    );
  const settled = async (count: number) =>
    waitFor(`${count} servers`, async () => {
      const found = [await agent.metric(openServers), await agent.metric(knownServers)];
      return found.every((number) => number === count);
    });
  /** Whatever `change` does, no request fails meanwhile, nor before or after. */
  const withoutFailure = async (change: () => Promise<void>): Promise<void> => {
    const load = startLoad();
    try {
      await waitFor("the first answers", () => Promise.resolve(load.answers > 20));
      await change();
      const { answers } = load;
      await waitFor("more answers", () => Promise.resolve(load.answers > answers + 50));
    } finally {
      await load.end();
    }
    assert.deepEqual(load.failures, []);
  };

  it("replace the only one without a failed request", async () => {
    await settled(1);
    await withoutFailure(async () => {
      for (let round = 0; round < rounds; round += 1) {
        const [old] = replicas.running;
        assert.ok(old !== undefined);
        await replicas.add();
        await replicas.end(old);
        await settled(1);
      }
    });
  });

  it("are all found, and rolled one by one, without a failed request", async () => {
    await withoutFailure(async () => {
      await replicas.add();
      await replicas.add();
      await settled(3);
      const before = replicas.running.slice();
      for (const old of before) {
        await replicas.add();
        await replicas.end(old);
      }
      await settled(3);
      const [one] = replicas.running;
      assert.ok(one !== undefined);
      await replicas.end(one);
      await settled(2);
    });
  });

  it("see the agent replaced without a failed request", async () => {
    await withoutFailure(async () => {
      for (let round = 0; round < rounds; round += 1) {
        const old = agent;
        agent = await startAgent(door.port, everywhere);
        old.signal("SIGTERM");
        assert.equal(await old.exited, 0, old.output);
      }
    });
  });

  it("are asked only for hosts that they have an agent for", async () => {
    const [first] = replicas.running;
    assert.ok(first !== undefined);
    const other = await startAgent(first.ports.agents, onlyFirst);
    const dials = Array.from({ length: 50 }, async () => {
      const connection = await client.dial(onlyFirst, upstream.port, never);
      connection.destroy();
    });
    await Promise.all(dials);
    await assert.rejects(client.dial("nobody", 443, never), { code: "no_agent" });
    for (const server of replicas.running) await replicas.assertAskedRightly(server);
    other.signal("SIGKILL");
    await other.exited;
  });

  it("go on when one is killed", async () => {
    const [victim] = replicas.running;
    assert.ok(victim !== undefined);
    await replicas.kill(victim);
    const load = startLoad();
    await waitFor("answers", () => Promise.resolve(load.answers > 50));
    await load.end();
    assert.deepEqual(load.failures, []);
  });
});
