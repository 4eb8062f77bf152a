import { maxEarlyBytes } from "../wire/packet.ts";

/**
 * What a frontend has written before its dial is answered. A first part may be sent ahead; all of
 * it is kept until it is known how much of that the agent has taken.
 */
export class EarlyBytes {
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #aheadBytes = 0;

  /** Whether the frontend has to wait with more. */
  get isFull(): boolean {
    return this.#bytes >= maxEarlyBytes;
  }

  /** Keeps `bytes`. Returns what of it is to be sent ahead now, if that is possible at all. */
  add(bytes: Buffer, canSendAhead: boolean): Buffer {
    const isFirst = this.#aheadBytes === this.#bytes;
    this.#chunks.push(bytes);
    this.#bytes += bytes.length;
    if (!canSendAhead || !isFirst) return empty;
    const ahead = bytes.subarray(0, maxEarlyBytes - this.#aheadBytes);
    this.#aheadBytes += ahead.length;
    return ahead;
  }

  /** The agent has taken this much of it, although more may be on the way: it will drop that. */
  taken(bytes: number): void {
    this.#aheadBytes = Math.min(bytes, this.#aheadBytes);
  }

  /** What has still to be sent, in order. */
  rest(): readonly Buffer[] {
    const rest: Buffer[] = [];
    let skip = this.#aheadBytes;
    for (const chunk of this.#chunks.splice(0)) {
      if (skip < chunk.length) rest.push(chunk.subarray(skip));
      skip = Math.max(0, skip - chunk.length);
    }
    return rest;
  }
}

const empty = Buffer.alloc(0);
