import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import type { PacketStream } from "../rpc/packet-stream.ts";
import type { CloseResponse, DialResponse, OutgoingPacket } from "../wire/packet.ts";
import { type ConnectRefusal, refusalOfDial, responseText } from "./connect-answer.ts";

/** Bytes that a client may send before its dial is answered. */
const maxEarlyBytes = 64 * 1024;

/**
 * One HTTP CONNECT request, seen as a frontend's stream of packets: the answer to the dial is the
 * response's head, and from then on the connection's bytes are the data.
 */
export class ConnectStream extends EventEmitter implements PacketStream {
  readonly #socket: Socket;
  readonly #early: Buffer[] = [];
  #earlyBytes = 0;
  #connectionId: bigint | undefined;
  #isOver = false;

  /** `head` is what the client has sent behind its request. */
  constructor(socket: Socket, head: Buffer) {
    super();
    this.#socket = socket;
    if (head.length > 0) this.#received(head);
    socket.on("data", (bytes: Buffer) => this.#received(bytes));
    socket.on("end", () => this.#clientEnded());
    socket.on("drain", () => this.emit("drain"));
    // What ends a connection is told by "close"; an unheard error would end the process.
    socket.on("error", () => undefined);
    socket.on("close", () => this.#gone());
  }

  write(packet: OutgoingPacket, done?: (error?: Error | null) => void): boolean {
    if (packet.type === "data") return this.#socket.write(packet.bytes, done);
    if (packet.type === "dialResponse") this.#answer(packet);
    else if (packet.type === "closeResponse") this.#close(packet);
    else if (packet.type === "closeDial") this.#refuse(refusalOfDial("dial closed"));
    // All others travel towards the agent only, or to frontends that ask for them.
    return true;
  }

  /** Ends it once everything is written, whether the client ends its side or not. */
  end(): void {
    this.#socket.destroySoon();
  }

  /** Ends it at once, whatever waits. */
  reset(): void {
    this.#socket.destroy();
  }

  pause(): void {
    this.#socket.pause();
    this.emit("pause");
  }

  resume(): void {
    if (this.#earlyBytes <= maxEarlyBytes) this.#socket.resume();
    this.emit("resume");
  }

  #received(bytes: Buffer): void {
    if (this.#connectionId === undefined) {
      // Read on, so that a client that leaves is noticed.
      this.#early.push(bytes);
      this.#earlyBytes += bytes.length;
      if (this.#earlyBytes > maxEarlyBytes) this.#socket.pause();
      return;
    }
    this.emit("data", { type: "data", connectionId: this.#connectionId, bytes });
  }

  #answer({ connectionId, error }: DialResponse): void {
    if (error !== "") return this.#refuse(refusalOfDial(error));
    this.#connectionId = connectionId;
    // Before any data, which only comes once this has been said.
    this.#socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
    this.#earlyBytes = 0;
    this.#socket.resume();
    for (const bytes of this.#early.splice(0)) this.#received(bytes);
  }

  #refuse(refusal: ConnectRefusal): void {
    this.#socket.end(responseText(refusal));
  }

  /** A connection that was lost must not look like one that was closed. */
  #close({ error }: CloseResponse): void {
    if (error === "") this.#socket.end();
    else if (this.#socket.writableLength === 0) this.#socket.destroy();
    else this.#socket.once("drain", () => this.#socket.destroy());
  }

  /** The client sends no more; what the target still answers is for it all the same. */
  #clientEnded(): void {
    if (this.#connectionId === undefined) return this.#gone();
    this.emit("data", { type: "closeRequest", connectionId: this.#connectionId });
  }

  #gone(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.emit("end");
  }
}
