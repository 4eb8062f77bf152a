import { Duplex } from "node:stream";
import { type ServiceError, status } from "@grpc/grpc-js";
import type { PacketStream } from "../rpc/packet-stream.ts";
import { statusText } from "../rpc/status-text.ts";
import { TunnelError, type TunnelErrorCode } from "../tunnel-error.ts";
import {
  type ConnectionEffect,
  type ConnectionEvent,
  type ConnectionState,
  stepConnection,
} from "../wire/frontend-connection.ts";
import { maxDataBytes, type OutgoingPacket } from "../wire/packet.ts";
import { texts } from "../wire/texts.ts";
import type { ClientMetrics } from "./client-metrics.ts";

/** A Proxy stream as the client holds it. */
export interface ProxyStream extends PacketStream {
  /** Whether it may be written to before the dial is answered. */
  readonly takesEarlyData?: boolean;
  /** Ends it at once, whatever waits. */
  cancel(): void;
}

export interface ConnectionOptions {
  readonly stream: ProxyStream;
  /** `host:port`, as the agent sees it. */
  readonly address: string;
  readonly dialId: bigint;
  readonly metrics: Pick<ClientMetrics, "packet" | "streamError">;
}

/** How long the agent may take to confirm the close. Upstream's client waits as long. */
const closeTimeoutMs = 10_000;
const bufferBytes = 256 * 1024;

/**
 * One tunnelled connection, from the dial on. It exists before it is open, so that no packet can
 * come too early for it; {@link opened} tells when it is. What is written before travels with the
 * dial where the server can do that, and waits elsewhere.
 */
export class TunnelConnection extends Duplex {
  readonly opened: Promise<void>;
  readonly #stream: ProxyStream;
  readonly #metrics: ConnectionOptions["metrics"];
  #resolveOpened: () => void;
  #rejectOpened: (error: Error) => void;
  #wasOpened = false;
  #backendId = 0n;
  #isRetired = false;
  #state: ConnectionState;
  /** The write that waits for room on the stream. */
  #waiting: (() => void) | undefined;
  /** What waits until the connection is open. */
  #whenOpen: (() => void) | undefined;
  #closeTimer: NodeJS.Timeout | undefined;

  constructor({ stream, address, dialId, metrics }: ConnectionOptions) {
    super({
      // TLS on top closes this side once it has read all; closing here at once would cut its tail.
      allowHalfOpen: true,
      readableHighWaterMark: bufferBytes,
      writableHighWaterMark: bufferBytes,
    });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.opened = promise;
    this.#resolveOpened = resolve;
    this.#rejectOpened = reject;
    this.#state = { kind: "dialling", dialId };
    this.#stream = stream;
    this.#metrics = metrics;
    stream.on("data", (packet) => {
      metrics.packet("to_client", packet);
      if (packet.type === "dialResponse") this.#backendId = packet.backendId ?? 0n;
      this.#apply({ kind: "received", packet });
    });
    stream.on("drain", () => this.#drained());
    stream.on("end", () => this.#apply({ kind: "streamEnded" }));
    stream.on("error", (error) => {
      metrics.streamError((error as ServiceError).code);
      this.#apply({ kind: "streamEnded", error: errorOfStream(error as ServiceError) });
    });
    this.#send({ type: "dialRequest", protocol: "tcp", address, dialId });
  }

  /** Which of the server's backends has it; 0 before it is open, and where servers do not say. */
  get backendId(): bigint {
    return this.#backendId;
  }

  /**
   * Tells whoever holds it, once, by the event `retire`: new work belongs on a new connection. It goes
   * on by itself.
   */
  retire(): void {
    if (this.#isRetired || this.destroyed) return;
    this.#isRetired = true;
    this.emit("retire");
  }

  override _read(): void {
    this.#stream.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#write([chunk], done);
  }

  override _writev(chunks: readonly { chunk: Buffer }[], done: () => void): void {
    this.#write(
      chunks.map(({ chunk }) => chunk),
      done,
    );
  }

  override _final(done: () => void): void {
    this.#end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearTimeout(this.#closeTimer);
    if (!this.#wasOpened) {
      this.#rejectOpened(error ?? new TunnelError("closed", "Dial was abandoned"));
    }
    this.#apply({ kind: "abandoned" });
    done(error);
  }

  #open(): void {
    this.#wasOpened = true;
    this.#resolveOpened();
    this.#whenOpen?.();
  }

  #end(done: () => void): void {
    if (this.#state.kind === "dialling") {
      this.#whenOpen = () => this.#end(done);
      return;
    }
    this.#apply({ kind: "ended" });
    if (this.#state.kind === "closing") this.#awaitClose();
    done();
  }

  /** Without half-close the agent has nothing to wait for. */
  #awaitClose(): void {
    this.#closeTimer = setTimeout(() => {
      this.destroy(new TunnelError("closed", "Cannot close connection: no answer"));
    }, closeTimeoutMs).unref();
  }

  #write(chunks: readonly Buffer[], done: () => void): void {
    if (this.#state.kind === "dialling" && this.#stream.takesEarlyData !== true) {
      this.#whenOpen = () => this.#write(chunks, done);
      return;
    }
    if (this.#state.kind === "closed") {
      // Dropped, but not at once: a caller that writes until told to wait would never hear the end.
      setImmediate(done);
      return;
    }
    for (const bytes of packed(chunks)) this.#apply({ kind: "written", bytes });
    if (this.#waiting === undefined) return done();
    this.#waiting = done;
  }

  #drained(): void {
    const done = this.#waiting;
    this.#waiting = undefined;
    done?.();
  }

  #apply(event: ConnectionEvent): void {
    const [next, effects] = stepConnection(this.#state, event);
    this.#state = next;
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: ConnectionEffect): void {
    switch (effect.kind) {
      case "opened":
        return this.#open();
      case "send":
        if (!this.#send(effect.packet)) this.#waiting ??= noop;
        return;
      case "deliver":
        if (!this.push(effect.bytes)) this.#stream.pause();
        return;
      case "finish":
        return this.#finish(effect.error);
      case "endStream":
        // What the server still sends, its status above all, has to be read.
        this.#stream.resume();
        this.#stream.end();
        return;
      case "cancelStream":
        return this.#stream.cancel();
    }
  }

  #send(packet: OutgoingPacket): boolean {
    this.#metrics.packet("from_client", packet);
    return this.#stream.write(packet);
  }

  #finish(error: TunnelError | undefined): void {
    clearTimeout(this.#closeTimer);
    if (error === undefined) this.push(null);
    else this.destroy(error);
  }
}

function noop(): void {
  // Stands for "there is no room" until the write that has to wait is known.
}

/** The same bytes in as few packets as fit, so that many small writes do not travel alone. */
function packed(chunks: readonly Buffer[]): Buffer[] {
  const total = chunks.reduce((sum, { length }) => sum + length, 0);
  const [first] = chunks;
  const joined = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks, total);
  const pieces: Buffer[] = [];
  for (let at = 0; at < joined.length; at += maxDataBytes) {
    pieces.push(joined.subarray(at, at + maxDataBytes));
  }
  return pieces;
}

/** How the statuses read that a server ends a stream with; any other one means that it was lost. */
const streamErrors: ReadonlyMap<status, readonly [TunnelErrorCode, string]> = new Map([
  [status.UNAVAILABLE, ["unreachable", "Tunnel server is unavailable"]],
  [status.RESOURCE_EXHAUSTED, ["closed", `Connection was cut: ${texts.readerStalled}`]],
  [status.INTERNAL, ["protocol", "Tunnel server broke the stream off"]],
  [status.UNIMPLEMENTED, ["protocol", "Tunnel server does not know the service"]],
]);

function errorOfStream(error: ServiceError): TunnelError {
  const [code, message] = streamErrors.get(error.code) ?? ["closed", "Connection was lost"];
  return new TunnelError(code, `${message}: ${statusText(error)}`);
}
