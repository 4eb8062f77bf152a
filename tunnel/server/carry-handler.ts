import type { RawHandler } from "../rpc/internals.ts";
import type { PacketStream } from "../rpc/packet-stream.ts";
import { acceptRawCarrier, refuseRawCarrier } from "../rpc/raw-openings.ts";
import { headers } from "../rpc/services.ts";
import type { CloseResponse, Data, DialResponse, HalfClose, Packet } from "../wire/packet.ts";
import type { AgentListener, Backend } from "./backend.ts";
import type { ServerMetrics } from "./server-metrics.ts";
import type { Sessions } from "./sessions.ts";

export interface CarryOptions {
  readonly sessions: Sessions;
  readonly metrics: ServerMetrics;
}

/** Serves the streams that agents of ours open for one connection each. */
export function createCarryHandler({ sessions, metrics }: CarryOptions): RawHandler {
  return (stream, sent) => {
    const backend = sessions.find(String(sent[headers.session]));
    if (backend === undefined) return refuseRawCarrier(stream);
    const { raw, answer } = acceptRawCarrier(stream, sent);
    const carried = new CarriedConnection(raw, backend);
    raw.on("data", (packet: Packet) => {
      metrics.packet("from_agent", packet);
      carried.handle(packet);
    });
    const release = metrics.holds.Carry.follow(raw);
    raw.on("end", () => {
      release();
      carried.gone();
    });
    carried.open(answer);
  };
}

/** Passes on what is the connection's. */
class CarriedConnection {
  readonly #stream: PacketStream;
  readonly #backend: Backend;
  #listener: AgentListener | undefined;
  #isOver = false;

  constructor(stream: PacketStream, backend: Backend) {
    this.#stream = stream;
    this.#backend = backend;
  }

  open(answer: DialResponse): void {
    const isValid = answer.connectionId !== 0n;
    this.#listener = isValid ? this.#backend.carry(answer, this.#stream) : undefined;
    if (this.#listener === undefined) this.#end();
  }

  handle(packet: Packet): void {
    if (this.#isOver) return;
    if (packet.type === "closeResponse") this.#isOver = true;
    if (isOfConnection(packet)) this.#listener?.fromAgent(packet);
  }

  /** The stream has ended; without the agent's last word the connection is lost. */
  gone(): void {
    if (this.#isOver) return;
    this.#end();
    this.#listener?.agentGone();
  }

  #end(): void {
    this.#isOver = true;
    this.#stream.end();
  }
}

function isOfConnection(packet: Packet): packet is Data | HalfClose | CloseResponse {
  return packet.type === "data" || packet.type === "halfClose" || packet.type === "closeResponse";
}
