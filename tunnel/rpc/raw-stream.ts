import { EventEmitter } from "node:events";
import { constants, type Http2Stream } from "node:http2";
import { status } from "@grpc/grpc-js";
import type {
  CloseDial,
  CloseResponse,
  Data,
  DialResponse,
  EarlyData,
  OutgoingPacket,
  Packet,
} from "../wire/packet.ts";
import { texts } from "../wire/texts.ts";
import type { PacketStream } from "./packet-stream.ts";
import { windowsOf } from "./stream-windows.ts";

/** Bytes that may wait in a stream before its source is asked to wait, and until it may go on. */
const highMarkBytes = 512 * 1024;
const lowMarkBytes = 128 * 1024;

export interface RawStreamOptions {
  /**
   * Who says that the connection is over: whoever confirms ends its direction for a CLOSE_RSP, and
   * resets the stream for one with an error. Whoever asks ends its direction for a CLOSE_REQ.
   */
  readonly closing: "asks" | "confirms";
  /** The dial that the stream belongs to. */
  readonly dialId: bigint;
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
  /** What is written before the dial is answered goes on its way at once. */
  readonly takesEarlyData = true;
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
    const windows = stream.session && windowsOf(stream.session);
    stream.on("data", (bytes: Buffer) => {
      windows?.taken(bytes.length);
      // An empty DATA packet would be the end of the connection to Go's client.
      if (bytes.length === 0) return;
      const connectionId = this.#connectionId;
      if (connectionId !== 0n) this.deliver({ type: "data", connectionId, bytes });
      else this.deliver({ type: "earlyData", dialId: this.#options.dialId, bytes });
    });
    stream.on("end", () => this.#peerEnded());
    // What ends a stream is told by "close"; an unheard error would end the process.
    stream.on("error", () => undefined);
    stream.on("close", () => this.#closed());
    if (windows === undefined) return;
    windows.opened();
    stream.on("close", () => windows.closed());
  }

  /** Passes on a packet that came in another form than data. */
  deliver(packet: Packet): void {
    if (packet.type === "dialResponse") this.#connectionId = packet.connectionId;
    this.emit("data", packet);
  }

  write(packet: OutgoingPacket, done?: () => void): boolean {
    const isData = packet.type === "data" || packet.type === "earlyData";
    if (isData) return this.#writeData(packet.bytes, done);
    this.#writeControl(packet);
    return true;
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

  /** Who opens the stream has said in its headers what it dials; the rest is of no one connection. */
  #writeControl(packet: Exclude<OutgoingPacket, Data | EarlyData>): void {
    const { type } = packet;
    if (type === "closeRequest" || type === "halfClose") return this.#finish();
    if (type === "closeResponse") return this.#confirm(packet);
    if (type !== "dialResponse" && type !== "closeDial") return;
    if (type === "dialResponse") this.#connectionId = packet.connectionId;
    this.#options.onAnswer?.(packet);
  }

  #writeData(bytes: Buffer, done: (() => void) | undefined): boolean {
    const stream = this.#stream;
    if (stream.writableEnded) return true;
    // Its end is told in a moment. Whoever writes until told to wait would otherwise never hear it.
    if (stream.destroyed) return false;
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
    this.deliver({ type: "halfClose", connectionId: this.#connectionId });
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
      this.deliver({ type: "closeResponse", connectionId, error: texts.connectionLost });
    }
    this.emit("end");
  }
}
