import { EventEmitter } from "node:events";
import { constants, type Http2Stream } from "node:http2";
import { status } from "@grpc/grpc-js";
import type {
  CloseDial,
  CloseResponse,
  DialResponse,
  OutgoingPacket,
  Packet,
} from "../wire/packet.ts";
import { texts } from "../wire/texts.ts";
import type { PacketStream } from "./packet-stream.ts";

/** Bytes that may wait in a stream before its source is asked to wait, and until it may go on. */
const highMarkBytes = 512 * 1024;
const lowMarkBytes = 128 * 1024;

export interface RawStreamOptions {
  /**
   * What the ends of the stream mean. Whoever asks ends its direction for a CLOSE_REQ; whoever
   * confirms ends it for a CLOSE_RSP, and resets the stream for one with an error.
   */
  readonly closing: "asks" | "confirms";
  /** 0 until it is known. */
  readonly connectionId: bigint;
  /** Carries out the answer to a dial, which travels in headers. */
  readonly onAnswer?: (answer: DialResponse | CloseDial) => void;
}

/**
 * The packets of one connection over an HTTP/2 stream of its own, without gRPC and without
 * messages: what it carries are the connection's bytes, and nothing is copied.
 */
export class RawStream extends EventEmitter implements PacketStream {
  readonly #stream: Http2Stream;
  readonly #options: RawStreamOptions;
  #connectionId: bigint;
  #isFull = false;
  #isLost = false;

  constructor(stream: Http2Stream, options: RawStreamOptions) {
    super();
    this.#stream = stream;
    this.#options = options;
    this.#connectionId = options.connectionId;
    stream.on("data", (bytes: Buffer) => {
      // An empty DATA packet would be the end of the connection to Go's client.
      if (bytes.length === 0) return;
      this.deliver({ type: "data", connectionId: this.#connectionId, bytes });
    });
    stream.on("end", () => this.#peerEnded());
    // What ends a stream is told by "close"; an unheard error would end the process.
    stream.on("error", () => undefined);
    stream.on("close", () => this.#closed());
  }

  /** Passes on a packet that came in another form than data. */
  deliver(packet: Packet): void {
    if (packet.type === "dialResponse") this.#connectionId = packet.connectionId;
    this.emit("data", packet);
  }

  write(packet: OutgoingPacket, done?: () => void): boolean {
    switch (packet.type) {
      case "data":
        return this.#writeData(packet.bytes, done);
      case "closeRequest":
        this.#finish();
        return true;
      case "closeResponse":
        this.#confirm(packet);
        return true;
      case "dialResponse":
        this.#connectionId = packet.connectionId;
        this.#options.onAnswer?.(packet);
        return true;
      case "closeDial":
        this.#options.onAnswer?.(packet);
        return true;
      // Who opens the stream has said so in its headers.
      case "dialRequest":
      case "drain":
        return true;
    }
  }

  /** Ends this direction; whoever has to confirm the close and has not done so loses it. */
  end(): void {
    if (this.#options.closing === "asks") this.#finish();
    else if (!this.#stream.writableEnded) this.#lose();
  }

  /** Ends both directions at once, whatever waits. The peer sees why a reader was cut. */
  reset(): void {
    this.#stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  /** Ends both directions at once, whatever waits. */
  cancel(): void {
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  pause(): void {
    this.#stream.pause();
    this.emit("pause");
  }

  resume(): void {
    this.#stream.resume();
    this.emit("resume");
  }

  #writeData(bytes: Buffer, done: (() => void) | undefined): boolean {
    const stream = this.#stream;
    if (stream.writableEnded || stream.destroyed) return true;
    stream.write(bytes, (error) => {
      if (error instanceof Error) return;
      done?.();
      if (this.#isLost) this.#lose();
      if (!this.#isFull || stream.writableLength > lowMarkBytes) return;
      this.#isFull = false;
      this.emit("drain");
    });
    this.#isFull ||= stream.writableLength > highMarkBytes;
    return !this.#isFull;
  }

  #confirm({ error }: CloseResponse): void {
    if (error === "") this.#finish();
    else this.#lose();
  }

  /** Resets the stream once what was written has left. */
  #lose(): void {
    this.#isLost = true;
    const stream = this.#stream;
    // Closing it would send the end of a good stream first.
    if (stream.writableLength === 0) stream.destroy(new Error("the connection was lost"));
  }

  #finish(): void {
    if (!this.#stream.writableEnded) this.#stream.end();
  }

  #peerEnded(): void {
    const stream = this.#stream;
    // Node ends the readable side of a stream that was reset, too.
    if (stream.aborted || stream.rstCode !== constants.NGHTTP2_NO_ERROR) return;
    const connectionId = this.#connectionId;
    if (this.#options.closing === "confirms") this.deliver({ type: "closeRequest", connectionId });
    else this.deliver({ type: "closeResponse", connectionId, error: "" });
  }

  #closed(): void {
    const { rstCode } = this.#stream;
    const connectionId = this.#connectionId;
    if (rstCode === constants.NGHTTP2_ENHANCE_YOUR_CALM && this.listenerCount("error") > 0) {
      const details = "the server has reset the stream";
      this.emit(
        "error",
        Object.assign(new Error(details), { code: status.RESOURCE_EXHAUSTED, details }),
      );
    } else if (rstCode === constants.NGHTTP2_INTERNAL_ERROR && this.#options.closing === "asks") {
      this.deliver({ type: "closeResponse", connectionId, error: texts.agentLost });
    }
    this.emit("end");
  }
}
