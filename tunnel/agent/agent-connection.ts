import type { Socket } from "node:net";
import { createOwnLink, createSharedLink, type Link } from "../flow/link.ts";
import type { SharedReceiver } from "../flow/shared-receiver.ts";
import type { TurnSender } from "../flow/turn-sender.ts";
import type { DialRequest, OutgoingPacket, Packet } from "../wire/packet.ts";
import {
  stepTarget,
  type TargetEffect,
  type TargetEvent,
  type TargetState,
} from "../wire/target-connection.ts";
import { texts } from "../wire/texts.ts";
import type { AgentMetrics } from "./agent-metrics.ts";
import type { OpenCarrier } from "./connect.ts";
import { type DialPolicy, dialTarget, type OwnTarget } from "./dial-target.ts";
import type { ReadBuffers } from "./read-buffers.ts";

/** Upstream's agent gives up as soon. */
const dialTimeoutMs = 5000;
/** How long a target may take to read what the frontend wrote before it closed. */
const flushTimeoutMs = 5000;
/** How long a closed target may take to close as well, before the socket is destroyed. */
const lingerMs = 1000;
/** A target that sends more than this meanwhile does so for nobody, and has to wait for the end. */
const mostDroppedBytes = 1024 * 1024;

export interface AgentConnectionOptions {
  readonly request: DialRequest;
  readonly connectionId: bigint;
  readonly sender: TurnSender;
  readonly receiver: SharedReceiver;
  /** Opens a stream for this connection alone, where the server knows that. */
  readonly openCarrier: OpenCarrier | undefined;
  readonly policy: DialPolicy;
  readonly ownTarget: OwnTarget | undefined;
  /** What is read from the target lies in these. */
  readonly buffers: ReadBuffers;
  readonly metrics: AgentMetrics;
  /** The connection is over. */
  readonly onReleased: () => void;
}

/** One connection to a target: carries out what its state machine decides. */
export class AgentConnection {
  readonly dialId: bigint;
  readonly connectionId: bigint;
  readonly #options: AgentConnectionOptions;
  readonly #startedAtMs = performance.now();
  /** What was taken before the dial was answered. */
  #earlyBytes = 0;
  #hasCarrier = false;
  #droppedBytes = 0;
  #link: Link;
  #socket: Socket | undefined;
  #state: TargetState;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: AgentConnectionOptions) {
    const { request, connectionId, sender, receiver } = options;
    this.#options = options;
    this.dialId = request.dialId;
    this.connectionId = connectionId;
    this.#state = { kind: "dialling", dialId: request.dialId, connectionId };
    this.#link = createSharedLink(sender, receiver, {
      onRoom: () => this.#socket?.resume(),
      onStalled: () => this.#apply({ kind: "readerStalled" }),
    });
    this.#dial(request);
  }

  /** What the server sent for this connection. */
  handle(
    event: Extract<
      TargetEvent,
      { kind: "dataFromServer" | "closeRequested" | "dialCancelled" | "serverGone" }
    >,
  ): void {
    this.#apply(event);
  }

  /** Takes what the frontend wrote before it knew that it is connected. */
  takeEarly(bytes: Buffer): void {
    // Too late: the stream that was opened meanwhile brings it again.
    if (this.#hasCarrier) return;
    this.#earlyBytes += bytes.length;
    this.#apply({ kind: "dataFromServer", bytes });
  }

  #dial({ protocol, address }: DialRequest): void {
    if (protocol !== "tcp") {
      process.nextTick(() => this.#apply({ kind: "refused", error: texts.protocolNotSupported }));
      return;
    }
    const { policy, ownTarget, buffers, metrics } = this.#options;
    const onread = buffers.reader((bytes) => this.#read(bytes));
    this.#socket = dialTarget(
      address,
      { policy, ownTarget, timeoutMs: dialTimeoutMs, onread },
      {
        onConnected: () => this.#connected(),
        onFailed: (error) => {
          metrics.dialFailed(error.includes("timeout") ? "timeout" : "unknown");
          this.#apply({ kind: "refused", error });
        },
      },
    );
  }

  #connected(): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    const { metrics } = this.#options;
    metrics.dialled((performance.now() - this.#startedAtMs) / 1000);
    metrics.connections(1);
    socket.once("close", () => metrics.connections(-1));
    this.#useCarrier();
    // Before any data is read: the answer to the dial goes first.
    this.#apply({ kind: "connected", canHalfClose: this.#hasCarrier });
    socket.on("end", () => this.#apply({ kind: "targetEnded" }));
    socket.on("error", () => this.#apply({ kind: "targetGone" }));
    socket.on("close", () => this.#apply({ kind: "targetGone" }));
  }

  /** Leaves the shared stream for one of its own. The answer to the dial is its first packet. */
  #useCarrier(): void {
    const { dialId, connectionId } = this;
    const answer = { dialId, connectionId, earlyBytes: this.#earlyBytes };
    const carrier = this.#options.openCarrier?.(answer);
    if (carrier === undefined) return;
    this.#hasCarrier = true;
    this.#link.finish();
    this.#link = createOwnLink(carrier, { onRoom: () => this.#socket?.resume() });
    carrier.on("data", (packet: Packet) => this.#fromCarrier(packet));
    carrier.on("end", () => {
      // What the frontend sent before it closed is still written out.
      if (this.#state.kind !== "flushing") this.#apply({ kind: "serverGone" });
    });
    carrier.on("error", () => this.#apply({ kind: "serverGone" }));
  }

  #fromCarrier(packet: Packet): void {
    this.#options.metrics.packet("to_agent", packet);
    if (!("connectionId" in packet) || packet.connectionId !== this.connectionId) return;
    if (packet.type === "data") this.#apply({ kind: "dataFromServer", bytes: packet.bytes });
    else if (packet.type === "halfClose") this.#apply({ kind: "frontendEnded" });
  }

  #apply(event: TargetEvent): void {
    const [next, effects] = stepTarget(this.#state, event);
    const isFlushing = next.kind === "flushing" && this.#state.kind !== "flushing";
    this.#state = next;
    for (const effect of effects) this.#perform(effect);
    if (isFlushing) this.#awaitFlush();
  }

  #perform(effect: TargetEffect): void {
    switch (effect.kind) {
      case "send":
        return this.#send(effect.packet);
      case "write":
        return this.#write(effect.bytes);
      case "endSocket":
        return endOnce(this.#socket);
      case "destroySocket":
        this.#socket?.destroy();
        return;
      case "released":
        return this.#release();
    }
  }

  #read(bytes: Buffer): void {
    if (this.#state.kind !== "closed") return this.#apply({ kind: "dataFromTarget", bytes });
    this.#options.buffers.giveBack(bytes);
    this.#droppedBytes += bytes.length;
    if (this.#droppedBytes > mostDroppedBytes) this.#socket?.pause();
  }

  #send(packet: OutgoingPacket): void {
    this.#options.metrics.packet("from_agent", packet);
    const sent =
      packet.type === "data" ? () => this.#options.buffers.giveBack(packet.bytes) : undefined;
    if (!this.#link.send(packet, sent)) this.#socket?.pause();
  }

  #write(bytes: Buffer): void {
    const link = this.#link;
    link.received(bytes.length);
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#cork(socket);
    socket.write(bytes, () => link.taken(bytes.length));
  }

  /** What arrives together is written together: each write would wake the target by itself. */
  #cork(socket: Socket): void {
    if (socket.writableCorked > 0) return;
    socket.cork();
    setImmediate(() => socket.uncork());
  }

  #awaitFlush(): void {
    const flushed = () => this.#apply({ kind: "flushed" });
    if (this.#socket?.writableFinished === true) return process.nextTick(flushed);
    this.#socket?.once("finish", flushed);
    this.#timer = setTimeout(flushed, flushTimeoutMs);
  }

  #release(): void {
    clearTimeout(this.#timer);
    this.#link.finish();
    this.#options.onReleased();
    const socket = this.#socket;
    if (socket === undefined) return;
    // Read on, so that the end is seen: closing over unread bytes would reset the connection and
    // could take back what the target has not read yet.
    socket.resume();
    this.#timer = setTimeout(() => socket.destroy(), lingerMs);
    socket.once("end", () => endOnce(socket));
    socket.once("close", () => clearTimeout(this.#timer));
  }
}

/** A second end would be an error, which costs more than the question. */
function endOnce(socket: Socket | undefined): void {
  if (socket?.writableEnded === false) socket.end();
}
