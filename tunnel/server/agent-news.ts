import type { PacketStream } from "../rpc/packet-stream.ts";
import type { OutgoingPacket } from "../wire/packet.ts";

/** The tunnel servers that there are. Whoever counts them tells it. */
export interface ServerList {
  /** Their ids; `undefined` while nobody knows. */
  readonly current: readonly string[] | undefined;
  /** Calls back after each change. Returns the unsubscriber. */
  onChange(listener: () => void): () => void;
}

/**
 * Tells agents of ours which tunnel servers there are, when they connect and whenever that changes,
 * so that each finds all of them and goes in time when this one ends.
 */
export class AgentNews {
  readonly #serverId: string;
  readonly #list: ServerList | undefined;
  readonly #agents = new Set<Pick<PacketStream, "write">>();
  #isLeaving = false;

  constructor(serverId: string, list: ServerList | undefined) {
    this.#serverId = serverId;
    this.#list = list;
  }

  /** Whether this server asks its agents to go. */
  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  /** Follows the list until the function returned is called. */
  follow(): () => void {
    const unsubscribe = this.#list?.onChange(() => this.#tellAll());
    return () => unsubscribe?.();
  }

  /** Keeps an agent up to date until the function returned is called. */
  add(agent: Pick<PacketStream, "write">): () => void {
    this.#agents.add(agent);
    for (const packet of this.#packets()) agent.write(packet);
    return () => void this.#agents.delete(agent);
  }

  /** Asks all agents to connect to another server first, and to expect no new dials from this one. */
  leave(): void {
    this.#isLeaving = true;
    this.#tellAll();
  }

  #tellAll(): void {
    const packets = this.#packets();
    for (const agent of this.#agents) for (const packet of packets) agent.write(packet);
  }

  #packets(): readonly OutgoingPacket[] {
    const current = this.#list?.current;
    const others = current?.filter((id) => id !== this.#serverId) ?? [];
    // This one may not stand in the list yet.
    const ids = this.#isLeaving ? others : [this.#serverId, ...others];
    return [
      ...(current === undefined ? [] : [{ type: "servers", ids } as const]),
      ...(this.#isLeaving ? [{ type: "drain" } as const] : []),
    ];
  }
}
