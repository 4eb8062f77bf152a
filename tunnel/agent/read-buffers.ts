import type { OnReadOpts } from "node:net";
import { maxDataBytes } from "../wire/packet.ts";

/** One read brings as much as a packet may carry. */
const bufferBytes = maxDataBytes;
/** What is kept for later: 4 MiB, as much as a few fast connections have under way. */
const mostKept = 64;
/** What is smaller gets memory of its own size. */
const leastLent = 8 * 1024;

/**
 * Memory for what sockets read. With a buffer of its own for each read, as Node has it, a download
 * makes so much garbage outside of V8's heap that V8 marks all of that heap several times a second.
 *
 * A reader that is idle holds nothing: sockets share one buffer, from which little is copied out,
 * until one of them fills it.
 */
export class ReadBuffers {
  readonly #shared = Buffer.allocUnsafeSlow(bufferBytes);
  readonly #free: Buffer[] = [];
  readonly #lent = new WeakMap<ArrayBufferLike, Buffer>();

  /** How a socket reads: `onread` of its options. What `onBytes` gets is its own. */
  reader(onBytes: (bytes: Buffer) => void): OnReadOpts {
    let into: Buffer = this.#shared;
    return {
      buffer: () => into,
      callback: (length) => {
        const filled = into;
        const isFull = length === filled.length;
        into = isFull ? this.#take() : this.#shared;
        const bytes = filled.subarray(0, length);
        onBytes(filled === this.#shared ? this.#copied(bytes) : bytes);
        return true;
      },
    };
  }

  /**
   * Takes bytes back that nobody looks at any more, so that their memory is read into again. Those
   * that are not given back, or are not from here, are left to the garbage collector.
   */
  giveBack({ buffer }: Buffer): void {
    const lent = this.#lent.get(buffer);
    if (lent === undefined) return;
    this.#lent.delete(buffer);
    if (this.#free.length < mostKept) this.#free.push(lent);
  }

  #copied(bytes: Buffer): Buffer {
    if (bytes.length < leastLent) return Buffer.from(bytes);
    const copy = this.#take();
    bytes.copy(copy);
    return copy.subarray(0, bytes.length);
  }

  #take(): Buffer {
    const buffer = this.#free.pop() ?? Buffer.allocUnsafeSlow(bufferBytes);
    this.#lent.set(buffer.buffer, buffer);
    return buffer;
  }
}
