import type { PacketStream } from "../rpc/packet-stream.ts";

/** How many streams are held back now, and for how long streams were in all. */
export class Holds {
  readonly #nowMs: () => number;
  #open = 0;
  #endedMs = 0;
  #sumOfStartsMs = 0;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  get open(): number {
    return this.#open;
  }

  /** Those that go on are counted up to now. */
  get seconds(): number {
    return (this.#endedMs + this.#open * this.#nowMs() - this.#sumOfStartsMs) / 1000;
  }

  /** Counts a stream as held whenever it pauses. The function returned ends that. */
  follow(stream: Pick<PacketStream, "on">): () => void {
    let sinceMs: number | undefined;
    let isOver = false;
    const release = () => {
      if (sinceMs === undefined) return;
      this.#open -= 1;
      this.#sumOfStartsMs -= sinceMs;
      this.#endedMs += this.#nowMs() - sinceMs;
      sinceMs = undefined;
    };
    stream.on("pause", () => {
      if (sinceMs !== undefined || isOver) return;
      sinceMs = this.#nowMs();
      this.#open += 1;
      this.#sumOfStartsMs += sinceMs;
    });
    stream.on("resume", release);
    return () => {
      isOver = true;
      release();
    };
  }
}
