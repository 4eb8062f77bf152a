import type { PacketStream } from "../rpc/packet-stream.ts";
import type { OutgoingPacket } from "../wire/packet.ts";
import type { Backends } from "./backends.ts";

/** As much of a greeting's stream as reports need. */
export type ReportStream = Pick<PacketStream, "write" | "on">;

/**
 * Tells frontends of ours, over their greetings, what the server's backends reach: all of it at
 * first, then each change when it happens.
 */
export class Reports {
  readonly #backends: Backends;
  readonly #readers = new Set<Reader>();
  #isLeaving = false;

  constructor(backends: Backends) {
    this.#backends = backends;
    backends.onChange((changed) => {
      const packet = { type: "report", isWhole: false, backends: [changed] } as const;
      for (const reader of this.#readers) reader.tell(packet);
    });
  }

  /** Reports to a frontend until the function returned is called. */
  follow(stream: ReportStream): () => void {
    const reader = new Reader(stream, () => this.#whole());
    this.#readers.add(reader);
    reader.tellAll();
    return () => void this.#readers.delete(reader);
  }

  /** Asks all frontends, those to come included, to dial elsewhere if they can. */
  leave(): void {
    this.#isLeaving = true;
    for (const reader of this.#readers) reader.tell({ type: "drain" });
  }

  #whole(): readonly OutgoingPacket[] {
    const report = { type: "report", isWhole: true, backends: this.#backends.reports() } as const;
    return this.#isLeaving ? [report, { type: "drain" }] : [report];
  }
}

/** One frontend. Changes do not pile up for one that reads slowly: it gets everything anew. */
class Reader {
  readonly #stream: ReportStream;
  readonly #whole: () => readonly OutgoingPacket[];
  #isFull = false;
  #isStale = false;

  constructor(stream: ReportStream, whole: () => readonly OutgoingPacket[]) {
    this.#stream = stream;
    this.#whole = whole;
    stream.on("drain", () => {
      this.#isFull = false;
      if (this.#isStale) this.tellAll();
    });
  }

  tell(packet: OutgoingPacket): void {
    if (this.#isFull) this.#isStale = true;
    else this.#isFull = !this.#stream.write(packet);
  }

  tellAll(): void {
    this.#isStale = false;
    for (const packet of this.#whole()) this.#isFull = !this.#stream.write(packet);
  }
}
