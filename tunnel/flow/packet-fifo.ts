import type { OutgoingPacket } from "../wire/packet.ts";

/** What a packet without data counts for, so that those cannot pile up for free either. */
const overheadBytes = 64;

/** Bytes of memory that a waiting packet counts for. */
export function sizeOf(packet: OutgoingPacket): number {
  return packet.type === "data" ? packet.bytes.length + overheadBytes : overheadBytes;
}

/** Packets in order, with their size in bytes. Taking one costs the same however many wait. */
export class PacketFifo {
  #packets: OutgoingPacket[] = [];
  #head = 0;
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#head === this.#packets.length;
  }

  push(packet: OutgoingPacket): void {
    this.#packets.push(packet);
    this.#bytes += sizeOf(packet);
  }

  shift(): OutgoingPacket | undefined {
    const packet = this.#packets[this.#head];
    if (packet === undefined) return undefined;
    this.#head += 1;
    this.#bytes -= sizeOf(packet);
    this.#dropTaken();
    return packet;
  }

  #dropTaken(): void {
    if (this.isEmpty) {
      this.#packets = [];
      this.#head = 0;
    } else if (this.#head > 1024 && this.#head * 2 > this.#packets.length) {
      this.#packets = this.#packets.slice(this.#head);
      this.#head = 0;
    }
  }
}
