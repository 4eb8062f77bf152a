import { type Packet, wireNames } from "./packet.ts";

/** One series of a metric: its labels and its value. */
export type Series = readonly [labels: Readonly<Record<string, string>>, value: number];

type Counts = Record<Packet["type"], number>;

/**
 * Counts packets and their bytes by the way that they went. Kept apart from the metrics, which read
 * it when they are looked at: there is a packet for each few kilobytes.
 */
export class PacketCounts<Segment extends string> {
  readonly #packets = new Map<Segment, Counts>();
  readonly #bytes = new Map<Segment, number>();

  count(segment: Segment, packet: Packet): void {
    const counts = this.#packets.get(segment) ?? none();
    counts[packet.type] += 1;
    this.#packets.set(segment, counts);
    if (packet.type !== "data") return;
    this.#bytes.set(segment, (this.#bytes.get(segment) ?? 0) + packet.bytes.length);
  }

  /** By segment and packet type. What never came has no series. */
  packets(): readonly Series[] {
    return [...this.#packets].flatMap(([segment, counts]) =>
      (Object.entries(counts) as [Packet["type"], number][])
        .filter(([, count]) => count > 0)
        .map(([type, count]): Series => [{ segment, packet_type: wireNames[type] }, count]),
    );
  }

  /** Payload alone, by segment. */
  bytes(): readonly Series[] {
    return [...this.#bytes].map(([segment, bytes]) => [{ segment }, bytes]);
  }
}

function none(): Counts {
  const types = Object.keys(wireNames) as Packet["type"][];
  return Object.fromEntries(types.map((type) => [type, 0])) as Counts;
}
