import { type ServerDuplexStream, status } from "@grpc/grpc-js";
import { headers } from "../rpc/services.ts";
import type { CloseResponse, Data, DialResponse, Packet } from "../wire/packet.ts";
import type { AgentListener, Backend } from "./backend.ts";
import type { ServerMetrics } from "./server-metrics.ts";
import type { Sessions } from "./sessions.ts";

export interface CarryOptions {
  readonly sessions: Sessions;
  readonly metrics: ServerMetrics;
}

type CarryCall = ServerDuplexStream<Packet, Packet>;

/** Serves AgentService.Carry: one call is one connection of an agent of ours. */
export function createCarryHandler({ sessions, metrics }: CarryOptions): (call: CarryCall) => void {
  return (call) => {
    const [id = ""] = call.metadata.get(headers.session).map(String);
    const backend = sessions.find(id);
    if (backend === undefined) {
      call.emit("error", { code: status.UNAUTHENTICATED, details: "unknown session" });
      return;
    }
    const carried = new CarriedConnection(call, backend);
    call.on("data", (packet: Packet) => {
      metrics.packet("from_agent", packet.type);
      carried.handle(packet);
    });
    for (const event of ["end", "cancelled", "close", "error"]) {
      call.on(event, () => carried.gone());
    }
  };
}

/** Waits for the dial's answer, then passes on what is the connection's. */
class CarriedConnection {
  readonly #call: CarryCall;
  readonly #backend: Backend;
  #listener: AgentListener | undefined;
  #connectionId = 0n;
  #isOver = false;

  constructor(call: CarryCall, backend: Backend) {
    this.#call = call;
    this.#backend = backend;
  }

  handle(packet: Packet): void {
    if (this.#isOver || packet.type === "unknown") return;
    if (this.#connectionId === 0n && packet.type === "dialResponse") this.#open(packet);
    else if (this.#isOurs(packet)) this.#pass(packet);
    else this.#refuse();
  }

  /** The stream has ended; without the agent's last word the connection is lost. */
  gone(): void {
    if (this.#isOver) return;
    this.#end();
    this.#listener?.agentGone();
  }

  #isOurs(packet: Packet): packet is Data | CloseResponse {
    if (packet.type !== "data" && packet.type !== "closeResponse") return false;
    return packet.connectionId === this.#connectionId && packet.connectionId !== 0n;
  }

  #open(answer: DialResponse): void {
    if (answer.error !== "" || answer.connectionId === 0n) return this.#refuse();
    this.#connectionId = answer.connectionId;
    this.#listener = this.#backend.carry(answer, this.#call);
    if (this.#listener === undefined) this.#end();
  }

  #pass(packet: Data | CloseResponse): void {
    if (packet.type === "closeResponse") this.#isOver = true;
    this.#listener?.fromAgent(packet);
  }

  #refuse(): void {
    this.#call.emit("error", { code: status.INVALID_ARGUMENT, details: "unexpected packet" });
  }

  #end(): void {
    this.#isOver = true;
    this.#call.end();
  }
}
