import { once } from "node:events";
import { Duplex } from "node:stream";
import { createWebSocketStream, WebSocket } from "ws";
import { describeError } from "#runtime";
import { ApiError } from "./api-error.ts";
import type { KubeClient } from "./client.ts";
import { resourcePath, withQuery } from "./request.ts";

export interface PortForwardTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

/** The subprotocol in which each message starts with its channel: 0 is data, 1 is errors. */
const subprotocol = "v4.channel.k8s.io";
const dataChannel = 0;

/**
 * One TCP connection to a port of a pod, through the API server (its `portforward` subresource).
 *
 * Back-pressure works both ways. The stream is destroyed with an {@link ApiError} when the kubelet
 * cannot reach the port. Rejects when the API server refuses or cannot be reached.
 */
export async function openPortForward(
  client: KubeClient,
  target: PortForwardTarget,
  signal: AbortSignal,
): Promise<Duplex> {
  const socket = await startConnecting(client, target, signal);
  // Made before the connection is: the first messages may come in one packet with its confirmation.
  const stream = new PortForwardStream(socket, describe(target));
  const ignore = (): void => undefined;
  stream.on("error", ignore);
  await untilOpen(socket, target, signal);
  if (stream.errored !== null) throw stream.errored;
  stream.off("error", ignore);
  return stream;
}

async function startConnecting(
  { access }: KubeClient,
  target: PortForwardTarget,
  signal: AbortSignal,
): Promise<WebSocket> {
  const { namespace, pod, port } = target;
  const type = { group: "", version: "v1", plural: "pods", namespaced: true };
  const path = resourcePath(type, { namespace, name: pod, subresource: "portforward" });
  const url = `${access.server.replace(/^http/, "ws")}${withQuery(path, { ports: port })}`;
  const { auth: _auth, ...options } = await access.requestOptions();
  signal.throwIfAborted();
  return new WebSocket(url, [subprotocol], {
    ...options,
    perMessageDeflate: false,
    handshakeTimeout: 15_000,
  });
}

async function untilOpen(
  socket: WebSocket,
  target: PortForwardTarget,
  signal: AbortSignal,
): Promise<void> {
  const abort = (): void => socket.terminate();
  signal.addEventListener("abort", abort, { once: true });
  try {
    await once(socket, "open");
  } catch (error) {
    signal.throwIfAborted();
    throw new ApiError("unreachable", `Cannot ${describe(target)}: ${describeError(error)}`, {
      cause: error,
    });
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function describe({ namespace, pod, port }: PortForwardTarget): string {
  return `forward to port ${port} of pod ${namespace}/${pod}`;
}

/** Frames bytes as messages of the data channel, and strips the frames again. */
class PortForwardStream extends Duplex {
  readonly #what: string;
  readonly #messages: Duplex;
  /** The first message of each channel carries the port number and no data. */
  readonly #greeted = new Set<number>();

  constructor(socket: WebSocket, what: string) {
    super({ allowHalfOpen: true });
    this.#what = what;
    this.#messages = createWebSocketStream(socket, { readableObjectMode: true });
    this.#messages.on("data", (message: Buffer) => this.#receive(message));
    this.#messages.once("end", () => this.push(null));
    this.#messages.once("close", () => this.destroy());
    this.#messages.once("error", (error) => this.destroy(error));
  }

  #receive(message: Buffer): void {
    const channel = message[0] ?? dataChannel;
    const isGreeting = !this.#greeted.has(channel);
    this.#greeted.add(channel);
    if (isGreeting || message.length < 2) return;
    const payload = message.subarray(1);
    if (channel === dataChannel) {
      if (!this.push(payload)) this.#messages.pause();
      return;
    }
    this.destroy(new ApiError("unreachable", `Cannot ${this.#what}: ${payload.toString().trim()}`));
  }

  override _read(): void {
    this.#messages.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    const message = Buffer.allocUnsafe(chunk.length + 1);
    message[0] = dataChannel;
    chunk.copy(message, 1);
    this.#messages.write(message, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    // The subprotocol knows no half-close: the end of what we send ends the connection.
    this.#messages.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#messages.destroy();
    done(error);
  }
}
