import { type ReceiveBudget, SharedReceiver } from "../flow/shared-receiver.ts";
import { TurnSender } from "../flow/turn-sender.ts";
import type { PacketStream } from "../rpc/packet-stream.ts";
import type { CloseRequest, Data, DialRequest, OutgoingPacket, Packet } from "../wire/packet.ts";
import { texts } from "../wire/texts.ts";
import { AgentConnection } from "./agent-connection.ts";
import type { AgentMetrics } from "./agent-metrics.ts";
import type { OpenCarrier } from "./connect.ts";
import type { DialPolicy, OwnTarget } from "./dial-target.ts";
import type { ReadBuffers } from "./read-buffers.ts";

/** How long a dial may be on its way that crosses the request for no more. */
const crossingMs = 200;

export interface AgentSessionOptions {
  readonly stream: PacketStream;
  /** Opens a stream for one connection, where the server knows that. */
  readonly openCarrier: OpenCarrier | undefined;
  readonly budget: ReceiveBudget;
  readonly policy: DialPolicy;
  readonly ownTarget?: OwnTarget | undefined;
  readonly buffers: ReadBuffers;
  readonly metrics: AgentMetrics;
}

/** One Connect stream and all connections that go over it. */
export class AgentSession {
  readonly #options: AgentSessionOptions;
  readonly #sender: TurnSender;
  readonly #receiver: SharedReceiver;
  readonly #dials = new Map<bigint, AgentConnection>();
  readonly #connections = new Map<bigint, AgentConnection>();
  readonly #idle = Promise.withResolvers<void>();
  #lastConnectionId = 0n;
  #isDraining = false;
  #isAskedToLeave = false;
  #servers: readonly string[] | undefined;

  constructor(options: AgentSessionOptions) {
    this.#options = options;
    this.#sender = new TurnSender(options.stream);
    this.#receiver = new SharedReceiver(options.stream, options.budget);
  }

  /** Connections to targets, dials included. */
  get openConnections(): number {
    return this.#connections.size;
  }

  /** The server has asked its agents to use others. */
  get isAskedToLeave(): boolean {
    return this.#isAskedToLeave;
  }

  /** The servers that there are, as this one has told. */
  get servers(): readonly string[] | undefined {
    return this.#servers;
  }

  /** Takes one packet of the server. */
  handle(packet: Packet): void {
    this.#options.metrics.packet("to_agent", packet);
    if (packet.type === "dialRequest") return this.#dial(packet);
    if (packet.type === "earlyData") {
      return this.#dials.get(packet.dialId)?.takeEarly(packet.bytes);
    }
    if (packet.type === "closeDial") {
      return this.#dials.get(packet.dialId)?.handle({ kind: "dialCancelled" });
    }
    if (packet.type === "data") return this.#data(packet);
    if (packet.type === "closeRequest") return this.#close(packet);
    if (packet.type === "servers") this.#servers = packet.ids;
    if (packet.type === "drain") this.#isAskedToLeave = true;
    // Answers travel towards the server only.
  }

  /**
   * Asks for no new dials. Resolves once no connection is left, and those dials have come that
   * were on their way.
   */
  async drain(): Promise<void> {
    this.#control({ type: "drain" });
    await new Promise((resolve) => setTimeout(resolve, crossingMs));
    this.#isDraining = true;
    this.#checkIdle();
    await this.#idle.promise;
  }

  /** The stream is gone, and all connections with it. */
  close(): void {
    this.#sender.close();
    for (const connection of this.#connections.values()) {
      connection.handle({ kind: "serverGone" });
    }
    this.#idle.resolve();
  }

  #dial(request: DialRequest): void {
    this.#lastConnectionId += 1n;
    const connectionId = this.#lastConnectionId;
    const connection = new AgentConnection({
      request,
      connectionId,
      sender: this.#sender,
      receiver: this.#receiver,
      openCarrier: this.#options.openCarrier,
      policy: this.#options.policy,
      ownTarget: this.#options.ownTarget,
      buffers: this.#options.buffers,
      metrics: this.#options.metrics,
      onReleased: () => {
        this.#dials.delete(request.dialId);
        this.#connections.delete(connectionId);
        this.#checkIdle();
      },
    });
    this.#dials.set(request.dialId, connection);
    this.#connections.set(connectionId, connection);
  }

  #data({ connectionId, bytes }: Data): void {
    if (connectionId === 0n) return;
    const connection = this.#connections.get(connectionId);
    if (connection !== undefined) return connection.handle({ kind: "dataFromServer", bytes });
    this.#control({ type: "closeResponse", connectionId, error: texts.unrecognizedConnection });
  }

  #close({ connectionId }: CloseRequest): void {
    const connection = this.#connections.get(connectionId);
    if (connection !== undefined) return connection.handle({ kind: "closeRequested" });
    this.#control({ type: "closeResponse", connectionId, error: texts.unknownConnection });
  }

  #control(packet: OutgoingPacket): void {
    this.#options.metrics.packet("from_agent", packet);
    this.#sender.control(packet);
  }

  #checkIdle(): void {
    if (this.#isDraining && this.#connections.size === 0) this.#idle.resolve();
  }
}
