import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import {
  createMetrics,
  type Logger,
  type Metrics,
  type Runnable,
  runAll,
  silentLogger,
} from "#runtime";
import {
  createTunnelAgent,
  createTunnelClient,
  createTunnelServer,
  fixedTls,
  type ListenerOptions,
  type TlsSource,
  type TunnelAgent,
  type TunnelAgentOptions,
  type TunnelClient,
  type TunnelClientOptions,
  type TunnelServer,
  type TunnelServerOptions,
} from "#tunnel";
import { makeAuthority, type TestAuthority, type TestPair } from "./certificates.ts";

/** Something that was started and can be stopped on its own. */
export interface Running<T> {
  readonly it: T;
  stop(): Promise<void>;
}

export interface RunningServer extends Running<TunnelServer> {
  readonly metrics: Metrics;
}

/** The parts of a tunnel over loopback sockets with real certificates. */
export interface LoopbackTunnel extends AsyncDisposable {
  readonly frontendAuthority: TestAuthority;
  readonly agentAuthority: TestAuthority;
  startServer(options?: Partial<TunnelServerOptions> & LoopbackPorts): Promise<RunningServer>;
  startAgent(
    server: { readonly agentPort: number },
    options?: Partial<TunnelAgentOptions>,
  ): Promise<Running<TunnelAgent>>;
  startClient(
    ports: readonly number[],
    options?: Partial<TunnelClientOptions>,
  ): Promise<Running<TunnelClient>>;
  /** A TCP server that treats each connection as `serve` says. Returns its port. */
  startTarget(serve: (socket: Socket) => void): Promise<number>;
  /** One whose connections stay open in one direction when the other ends. */
  startHalfOpenTarget(serve: (socket: Socket) => unknown): Promise<number>;
}

/** To start a server where another one was. */
export interface LoopbackPorts {
  readonly frontendPort?: number;
  readonly agentPort?: number;
  readonly frontendTls?: TlsSource;
  readonly agentTls?: TlsSource;
}

/** Polls until `condition` holds; throws after five seconds. */
export async function eventually(condition: () => boolean, what: string): Promise<void> {
  for (let tries = 0; tries < 500; tries += 1) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`Waited in vain until ${what}`);
}

/** What a {@link TlsSource} needs, from an authority and a pair of it. */
export function tlsOf(authority: TestAuthority, pair: TestPair): TlsSource {
  return fixedTls({
    ca: Buffer.from(authority.caPem),
    cert: Buffer.from(pair.cert),
    key: Buffer.from(pair.key),
  });
}

/** A source whose certificates a test can change. */
export function changeableTls(first: TlsSource): TlsSource & { change(next: TlsSource): void } {
  let { current } = first;
  const listeners = new Set<(material: TlsSource["current"]) => void>();
  return {
    get current() {
      return current;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    change(next) {
      ({ current } = next);
      for (const listener of listeners) listener(current);
    },
  };
}

/** Everything starts on request and ends with the tunnel. */
export async function openLoopbackTunnel(log: Logger = silentLogger): Promise<LoopbackTunnel> {
  const [frontendAuthority, agentAuthority] = await Promise.all([
    makeAuthority("frontend-ca"),
    makeAuthority("agent-ca"),
  ]);
  const stops = new Set<() => Promise<void>>();
  const start = <T extends Runnable>(it: T): Running<T> => {
    const controller = new AbortController();
    const ended = runAll([it], controller.signal);
    const stop = async () => {
      stops.delete(stop);
      controller.abort();
      await ended;
    };
    stops.add(stop);
    return { it, stop };
  };
  const startTarget = async (
    serve: (socket: Socket) => unknown,
    options: { readonly allowHalfOpen: boolean },
  ): Promise<number> => {
    const server = createServer(options, serve).listen(0, "127.0.0.1");
    await once(server, "listening");
    const sockets = new Set<Socket>();
    server.on("connection", (socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    });
    stops.add(async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    });
    return (server.address() as AddressInfo).port;
  };
  return {
    frontendAuthority,
    agentAuthority,
    async startServer({ frontendPort = 0, agentPort = 0, frontendTls, agentTls, ...rest } = {}) {
      const serving = async (authority: TestAuthority) =>
        tlsOf(authority, await authority.server("127.0.0.1", "localhost"));
      const metrics = createMetrics();
      const running = start(
        createTunnelServer({
          serverId: "server-1",
          serverCount: () => 1,
          strategies: ["destHost"],
          metrics,
          log,
          frontends: listener(frontendPort, frontendTls ?? (await serving(frontendAuthority))),
          agents: listener(agentPort, agentTls ?? (await serving(agentAuthority))),
          ...rest,
        }),
      );
      await eventually(
        () => running.it.ports.frontends * running.it.ports.agents > 0,
        "it listens",
      );
      return { ...running, metrics };
    },
    async startAgent({ agentPort }, options = {}) {
      const running = start(
        createTunnelAgent({
          address: `127.0.0.1:${agentPort}`,
          tls: tlsOf(agentAuthority, await agentAuthority.client("agent")),
          agentId: "agent-1",
          identifiers: "host=127.0.0.1&host=localhost",
          metrics: createMetrics(),
          syncIntervalMs: 50,
          syncIntervalCapMs: 200,
          drainTimeoutMs: 1000,
          log,
          ...options,
        }),
      );
      await eventually(() => running.it.reasonNotReady() === undefined, "the agent is connected");
      return running;
    },
    async startClient(ports, options = {}) {
      const running = start(
        createTunnelClient({
          servers: ports.map((port) => `127.0.0.1:${port}`),
          tls: tlsOf(frontendAuthority, await frontendAuthority.client("frontend")),
          log,
          ...options,
        }),
      );
      await eventually(() => running.it.reasonNotReady() === undefined, "the client is connected");
      return running;
    },
    startTarget: (serve) => startTarget(serve, { allowHalfOpen: false }),
    startHalfOpenTarget: (serve) => startTarget(serve, { allowHalfOpen: true }),
    async [Symbol.asyncDispose]() {
      await Promise.all([...stops].map((stop) => stop()));
    },
  };
}

function listener(port: number, tls: TlsSource): ListenerOptions {
  return {
    host: "127.0.0.1",
    port,
    tls,
    ciphers: "",
    minVersion: "TLSv1.2",
    keepaliveTimeMs: 3_600_000,
    graceMs: 0,
  };
}
