import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { type Duplex, pipeline } from "node:stream";
import type { Pod } from "#api";
import type { ObjectCache } from "#kube";
import { describeError, type Logger, type Runnable } from "#runtime";
import { orderPods } from "./server-pods.ts";

/** What the proxy needs of the hub. */
export interface PortForwardPorts {
  /** The tunnel server pods. */
  readonly pods: Pick<ObjectCache<Pod>, "list">;
  /** Ids of the servers that are connected: the names of their pods, where servers of ours run. */
  readonly connected: () => readonly string[];
  /** Connects to the agents' port of a pod, through the hub's API server. */
  readonly open: (pod: string, signal: AbortSignal) => Promise<Duplex>;
  readonly log: Logger;
}

export interface PortForwardProxyOptions {
  readonly host: string;
  /** 0 for any. */
  readonly port: number;
}

export interface PortForwardProxy extends Runnable {
  /** Where it listens; 0 before it does. */
  readonly port: number;
}

/**
 * A local port that is a tunnel server's: each connection is carried to one of the server pods
 * through the hub's API server, which is all of the hub that many clusters can reach.
 */
export function createPortForwardProxy(
  ports: PortForwardPorts,
  options: PortForwardProxyOptions,
): PortForwardProxy {
  return new LocalProxy(ports, options);
}

class LocalProxy implements PortForwardProxy {
  readonly name = "port-forward-proxy";
  readonly #ports: PortForwardPorts;
  readonly #options: PortForwardProxyOptions;
  readonly #sockets = new Set<Socket>();
  #lastPod: string | undefined;
  #port = 0;

  constructor(ports: PortForwardPorts, options: PortForwardProxyOptions) {
    this.#ports = ports;
    this.#options = options;
  }

  get port(): number {
    return this.#port;
  }

  async run(signal: AbortSignal): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true });
    server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      // What ends it is reported by whoever copies.
      socket.on("error", () => undefined);
      void this.#forward(socket, signal);
    });
    server.listen(this.#options.port, this.#options.host);
    await once(server, "listening", { signal });
    this.#port = portOf(server);
    this.#ports.log.info("Forwarding to tunnel servers through the hub's API", {
      port: this.#port,
    });
    const closed = once(server, "close");
    const stop = () => {
      server.close();
      for (const socket of this.#sockets) socket.destroy();
    };
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop);
    await closed;
  }

  async #forward(socket: Socket, signal: AbortSignal): Promise<void> {
    const { log } = this.#ports;
    try {
      const remote = await this.#connect(signal);
      join(socket, remote, (error) => log.debug("Forwarded connection ended", { error }));
    } catch (error) {
      socket.destroy();
      if (!signal.aborted) log.warn("Cannot forward connection", { error: describeError(error) });
    }
  }

  /** Tries one pod after the other. */
  async #connect(signal: AbortSignal): Promise<Duplex> {
    const { pods, connected } = this.#ports;
    const failures: unknown[] = [];
    for (const pod of orderPods(pods.list(), this.#lastPod, connected())) {
      this.#lastPod = pod;
      try {
        return await this.#ports.open(pod, signal);
      } catch (error) {
        signal.throwIfAborted();
        failures.push(error);
      }
    }
    if (failures.length === 0) throw new Error("No tunnel server pod is running on the hub");
    throw new AggregateError(failures, "");
  }
}

/** Copies both ways; when one side is over, so is the other. */
function join(
  socket: Socket,
  remote: Duplex,
  onEnd: (error: Error | null | undefined) => void,
): void {
  pipeline(socket, remote, (error) => {
    if (error) socket.destroy();
  });
  pipeline(remote, socket, (error) => {
    remote.destroy();
    onEnd(error);
  });
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
