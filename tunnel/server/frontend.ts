import type { Logger } from "#runtime";
import type { PacketStream } from "../rpc/packet-stream.ts";
import type { DialRequest, OutgoingPacket, Packet } from "../wire/packet.ts";
import { stepRelay } from "../wire/relay.ts";
import {
  type DialFailure,
  idleRelay,
  isFrontendPacket,
  type RelayEffect,
  type RelayEvent,
  type RelayState,
} from "../wire/relay-state.ts";
import { texts } from "../wire/texts.ts";
import type { AgentListener, AgentPath } from "./backend.ts";
import type { Backends } from "./backends.ts";
import type { ServerMetrics } from "./server-metrics.ts";

/** How long a frontend may leave its stream open once its connection is over. */
const lingerMs = 10_000;

export interface FrontendOptions {
  readonly stream: PacketStream;
  /** Ends the stream at once. */
  readonly reset: () => void;
  readonly backends: Backends;
  readonly metrics: ServerMetrics;
  readonly log: Logger;
  readonly dialTimeoutMs: number;
}

/** One Proxy stream: carries out what the relay's state machine decides. */
export class Frontend implements AgentListener {
  readonly #options: FrontendOptions;
  #state: RelayState = idleRelay;
  #path: AgentPath | undefined;
  #timer: NodeJS.Timeout | undefined;
  #address = "";
  #dialledAtMs = 0;
  #establishedAtMs = 0;

  constructor(options: FrontendOptions) {
    this.#options = options;
  }

  /** Takes one packet of the frontend. */
  handle(packet: Packet): void {
    this.#options.metrics.packet("from_client", packet);
    if (packet.type === "dialRequest") return this.#dial(packet);
    if (isFrontendPacket(packet)) this.#apply({ kind: "fromFrontend", packet });
  }

  /** The frontend's stream has ended, in whatever way. */
  gone(): void {
    this.#apply({ kind: "frontendGone" });
    clearTimeout(this.#timer);
  }

  fromAgent(packet: Parameters<AgentListener["fromAgent"]>[0]): void {
    this.#apply({ kind: "fromAgent", packet });
  }

  agentGone(): void {
    this.#apply({ kind: "agentGone" });
  }

  roomToAgent(): void {
    this.#options.stream.resume();
  }

  readerStalled(): void {
    this.#apply({ kind: "readerStalled" });
  }

  #dial(request: DialRequest): void {
    const error = request.protocol === "tcp" ? texts.noAgent : texts.protocolNotSupported;
    const { backends, dialTimeoutMs, metrics } = this.#options;
    const backend = request.protocol === "tcp" ? backends.pick(request.address) : undefined;
    if (this.#path !== undefined || backend === undefined) {
      return this.#apply({ kind: "undialable", request, error });
    }
    this.#address = request.address;
    this.#dialledAtMs = performance.now();
    this.#path = backend.open(this);
    metrics.dialPending(1);
    this.#timer = setTimeout(() => this.#apply({ kind: "dialTimedOut" }), dialTimeoutMs).unref();
    this.#apply({ kind: "dialled", request, dialId: this.#path.dialId });
  }

  #apply(event: RelayEvent): void {
    const before = this.#state.kind;
    const [next, effects] = stepRelay(this.#state, event);
    this.#state = next;
    if (before === "dialling" && next.kind !== "dialling") this.#dialEnded();
    for (const effect of effects) this.#perform(effect);
    if (before !== "closed" && next.kind === "closed") this.#linger();
  }

  #perform(effect: RelayEffect): void {
    switch (effect.kind) {
      case "toAgent":
        return this.#toAgent(effect.packet);
      case "toFrontend":
        return this.#toFrontend(effect.packet);
      case "established":
        return this.#established(effect.connectionId);
      case "dialFailed":
        return this.#dialFailed(effect.reason);
      case "cut":
        this.#options.log.warn("Cut connection", { address: this.#address, reason: effect.reason });
        return this.#options.reset();
      case "released":
        return this.#released();
    }
  }

  #toAgent(packet: OutgoingPacket): void {
    this.#options.metrics.packet("to_agent", packet);
    if (this.#path?.send(packet) === false) this.#options.stream.pause();
  }

  #toFrontend(packet: OutgoingPacket): void {
    const { metrics, stream } = this.#options;
    metrics.packet("to_client", packet);
    const path = this.#path;
    if (packet.type !== "data") {
      const isAnswer = packet.type === "dialResponse" && path !== undefined;
      stream.write(isAnswer ? { ...packet, backendId: path.backendId } : packet);
      return;
    }
    const { length } = packet.bytes;
    path?.received(length);
    const writtenAtMs = performance.now();
    stream.write(packet, () => {
      metrics.frontendWritten((performance.now() - writtenAtMs) / 1000);
      path?.taken(length);
    });
  }

  #established(connectionId: bigint): void {
    if (this.#path?.establish(connectionId) === true) this.#options.stream.resume();
    this.#establishedAtMs = performance.now();
    this.#options.metrics.established(1);
    this.#options.metrics.dialDone((this.#establishedAtMs - this.#dialledAtMs) / 1000);
  }

  #dialEnded(): void {
    clearTimeout(this.#timer);
    this.#options.metrics.dialPending(-1);
  }

  #dialFailed(reason: DialFailure): void {
    this.#options.metrics.dialFailed(reason);
    this.#options.log.debug("Dial failed", { address: this.#address, reason });
  }

  #released(): void {
    this.#path?.release();
    if (this.#establishedAtMs === 0) return;
    this.#options.metrics.established(-1);
    this.#options.metrics.connectionEnded((performance.now() - this.#establishedAtMs) / 1000);
    this.#establishedAtMs = 0;
  }

  /** Frontends end their stream once they know that it is over; one that does not is ended. */
  #linger(): void {
    clearTimeout(this.#timer);
    const { stream } = this.#options;
    // A paused stream would never notice that the frontend ends it.
    stream.resume();
    this.#timer = setTimeout(() => stream.end(), lingerMs).unref();
  }
}
