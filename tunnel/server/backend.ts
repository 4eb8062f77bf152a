import { randomBytes } from "node:crypto";
import { EarlyBytes } from "../flow/early-bytes.ts";
import { createOwnLink, createSharedLink, type Link } from "../flow/link.ts";
import { type ReceiveBudget, SharedReceiver } from "../flow/shared-receiver.ts";
import { TurnSender } from "../flow/turn-sender.ts";
import type { PacketStream } from "../rpc/packet-stream.ts";
import type { AgentIdentifiers } from "../wire/identifiers.ts";
import type {
  CloseResponse,
  Data,
  DialResponse,
  EarlyData,
  OutgoingPacket,
  Packet,
} from "../wire/packet.ts";
import type { AgentPacket } from "../wire/relay-state.ts";

/** Who waits for an agent's packets: one frontend. */
export interface AgentListener {
  fromAgent(packet: AgentPacket): void;
  agentGone(): void;
  /** What was sent to the agent has made room again. */
  roomToAgent(): void;
  /** The frontend has taken nothing for too long. */
  readerStalled(): void;
}

/** One frontend's way to its agent, from the dial to the release. */
export interface AgentPath {
  readonly backendId: bigint;
  /** The id by which the agent knows this dial. */
  readonly dialId: bigint;
  /** False when the frontend has to wait until there is room to the agent. */
  send(packet: OutgoingPacket): boolean;
  /**
   * From now on the agent's packets with this connection id come here. Sends what is left of the
   * early data; false when the frontend has to wait until there is room to the agent.
   */
  establish(connectionId: bigint): boolean;
  /** Bytes from the agent were passed on, and `taken` once the frontend has them. */
  received(bytes: number): void;
  taken(bytes: number): void;
  /** Nothing comes here any more; what was sent still goes out. */
  release(): void;
}

export interface BackendOptions {
  /** Tells this server's backends apart, also those that are gone. */
  readonly id: bigint;
  readonly agentId: string;
  readonly identifiers: AgentIdentifiers;
  readonly stream: PacketStream;
  /** The agent is one of ours. */
  readonly takesEarlyData: boolean;
  readonly budget: ReceiveBudget;
  /** Told of a dial's answer that nobody waits for. */
  readonly onUnrecognizedAnswer: () => void;
  /** The agent has asked for no new dials. */
  readonly onDrain: () => void;
}

/** A dial or connection, and how its packets travel. */
interface Member {
  readonly dialId: bigint;
  readonly listener: AgentListener;
  readonly early: EarlyBytes;
  link: Link;
  /** Over a stream of its own. */
  isOwn: boolean;
}

/**
 * One agent's Connect stream and all that goes over it. Ids are this stream's own, so two streams
 * of one agent, or two agents, cannot take each other's connections.
 */
export class Backend {
  readonly id: bigint;
  readonly agentId: string;
  readonly identifiers: AgentIdentifiers;
  readonly #sender: TurnSender;
  readonly #receiver: SharedReceiver;
  readonly #takesEarlyData: boolean;
  readonly #onUnrecognizedAnswer: () => void;
  readonly #onDrain: () => void;
  readonly #dials = new Map<bigint, Member>();
  readonly #connections = new Map<bigint, Member>();
  /** Connections that we asked the agent to close; what still comes for them is expected. */
  readonly #closing = new Set<bigint>();
  #isDraining = false;

  constructor(options: BackendOptions) {
    const { agentId, identifiers, stream, budget, onUnrecognizedAnswer } = options;
    this.id = options.id;
    this.agentId = agentId;
    this.identifiers = identifiers;
    this.#takesEarlyData = options.takesEarlyData;
    this.#sender = new TurnSender(stream);
    this.#receiver = new SharedReceiver(stream, budget);
    this.#onUnrecognizedAnswer = onUnrecognizedAnswer;
    this.#onDrain = options.onDrain;
  }

  /** Set by the agent: no new dials, unless there is nobody else. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** How much it has to do, to compare backends. */
  get load(): number {
    return this.#dials.size + this.#connections.size;
  }

  /** Opens a way for one dial. The request itself is sent through it. */
  open(listener: AgentListener): AgentPath {
    const dialId = randomDialId();
    const link = createSharedLink(this.#sender, this.#receiver, eventsOf(listener));
    const early = new EarlyBytes();
    const member: Member = { dialId, listener, early, link, isOwn: false };
    let connectionId: bigint | undefined;
    this.#dials.set(dialId, member);
    return {
      backendId: this.id,
      dialId,
      send: (packet) => this.#send(member, packet),
      establish: (id) => {
        connectionId = id;
        this.#dials.delete(dialId);
        this.#connections.set(id, member);
        let hasRoom = true;
        for (const bytes of member.early.rest()) {
          hasRoom = member.link.send({ type: "data", connectionId: id, bytes });
        }
        return hasRoom;
      },
      received: (bytes) => member.link.received(bytes),
      taken: (bytes) => member.link.taken(bytes),
      release: () => {
        member.link.finish();
        this.#dials.delete(dialId);
        if (connectionId === undefined || !this.#connections.delete(connectionId)) return;
        // Over a stream of its own nothing can come late.
        if (!member.isOwn) this.#closing.add(connectionId);
      },
    };
  }

  /** Takes one packet of the agent. */
  handle(packet: Packet): void {
    if (packet.type === "dialResponse") return this.#dialAnswered(packet);
    if (packet.type === "data") return this.#data(packet);
    if (packet.type === "closeResponse") return this.#closed(packet);
    if (packet.type === "closeDial")
      return this.#dials.get(packet.dialId)?.listener.fromAgent(packet);
    if (packet.type === "drain") return this.#drain();
    // Requests travel towards the agent only.
  }

  /**
   * Takes the answer to a dial that came over a stream of its own, which carries the connection
   * from now on. Returns who the stream's packets are for, or `undefined` when nobody waits.
   */
  carry(answer: DialResponse, stream: PacketStream): AgentListener | undefined {
    const member = this.#dials.get(answer.dialId);
    if (member === undefined) {
      this.#onUnrecognizedAnswer();
      return undefined;
    }
    member.link.finish();
    member.link = createOwnLink(stream, eventsOf(member.listener));
    member.isOwn = true;
    member.early.taken(answer.earlyBytes ?? 0);
    member.listener.fromAgent(answer);
    return member.listener;
  }

  /** The stream is gone: everybody who waits is told. */
  close(): void {
    this.#sender.close();
    const members = [...this.#dials.values(), ...this.#connections.values()];
    for (const { listener } of members) listener.agentGone();
  }

  #send(member: Member, packet: OutgoingPacket): boolean {
    if (packet.type === "earlyData") return this.#sendEarly(member, packet);
    const isOfDial = packet.type === "dialRequest" || packet.type === "closeDial";
    // The end of a stream is the end of one direction; a request beside it means both.
    const isBoth = packet.type === "closeRequest" && member.isOwn;
    if (isOfDial || isBoth) this.#sender.control(packet);
    return isOfDial || member.link.send(packet);
  }

  #sendEarly({ dialId, early }: Member, { bytes }: EarlyData): boolean {
    const ahead = early.add(bytes, this.#takesEarlyData);
    if (ahead.length > 0) this.#sender.control({ type: "earlyData", dialId, bytes: ahead });
    return !early.isFull;
  }

  #drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    this.#onDrain();
  }

  #dialAnswered(packet: DialResponse): void {
    const member = this.#dials.get(packet.dialId);
    if (member !== undefined) return member.listener.fromAgent(packet);
    this.#onUnrecognizedAnswer();
    if (packet.error === "") this.#askToClose(packet.connectionId);
  }

  #data(packet: Data): void {
    const member = this.#connections.get(packet.connectionId);
    if (member !== undefined) member.listener.fromAgent(packet);
    else if (!this.#closing.has(packet.connectionId)) this.#askToClose(packet.connectionId);
  }

  #closed(packet: CloseResponse): void {
    if (this.#closing.delete(packet.connectionId)) return;
    const member = this.#connections.get(packet.connectionId);
    // Its own stream tells when it is over, behind its last data.
    if (member?.isOwn === true) return;
    // Gone before the listener releases it: the agent needs no request to close it any more.
    this.#connections.delete(packet.connectionId);
    member?.listener.fromAgent(packet);
  }

  #askToClose(connectionId: bigint): void {
    if (connectionId === 0n) return;
    this.#closing.add(connectionId);
    this.#sender.control({ type: "closeRequest", connectionId });
  }
}

function eventsOf(listener: AgentListener) {
  return {
    onRoom: () => listener.roomToAgent(),
    onStalled: () => listener.readerStalled(),
  };
}

/** Not to be guessed by another agent, and positive for peers that read it as signed. */
function randomDialId(): bigint {
  return randomBytes(8).readBigUInt64BE() >> 1n;
}
