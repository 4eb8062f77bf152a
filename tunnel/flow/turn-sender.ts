import type { PacketStream } from "../rpc/packet-stream.ts";
import type { OutgoingPacket } from "../wire/packet.ts";
import { PacketFifo, sizeOf } from "./packet-fifo.ts";

/** Bytes handed to the stream and not yet on the network. Low, so that a new turn comes soon. */
const maxInFlightBytes = 512 * 1024;
/** A queue that holds more asks its source to wait, until it holds less than the lower mark. */
const highMarkBytes = 1024 * 1024;
const lowMarkBytes = 256 * 1024;

/** One connection's way out over a shared stream: what is pushed leaves in order. */
export interface SendQueue {
  /** False once the queue is full; `onRoom` follows. The packet is taken in any case. */
  push(packet: OutgoingPacket): boolean;
  /** Sends what is queued; after that the queue is gone. Pushing more has no effect. */
  finish(): void;
}

/**
 * Sends the packets of many connections over one stream, taking turns between them, so that none
 * waits longer than one packet of each other. What a source pushes too fast stays in its own
 * queue.
 */
export class TurnSender {
  readonly #stream: Pick<PacketStream, "write">;
  readonly #control = new PacketFifo();
  /** Queues that hold something, in the order of their turns. */
  readonly #turns = new Set<TurnQueue>();
  #inFlightBytes = 0;
  #isClosed = false;

  constructor(stream: Pick<PacketStream, "write">) {
    this.#stream = stream;
  }

  /** Sends a packet that belongs to no queue ahead of all that wait. */
  control(packet: OutgoingPacket): void {
    if (this.#isClosed) return;
    this.#control.push(packet);
    this.#pump();
  }

  /** A queue for one connection. `onRoom` is called when a full one has room again. */
  open(onRoom: () => void): SendQueue {
    return new TurnQueue((queue) => this.#ready(queue), onRoom);
  }

  /** The stream is gone: everything queued is dropped. */
  close(): void {
    this.#isClosed = true;
    this.#turns.clear();
  }

  #ready(queue: TurnQueue): void {
    if (this.#isClosed) return;
    this.#turns.add(queue);
    this.#pump();
  }

  #pump(): void {
    while (!this.#isClosed && this.#inFlightBytes < maxInFlightBytes) {
      const packet = this.#control.shift() ?? this.#nextInTurn();
      if (packet === undefined) return;
      this.#send(packet);
    }
  }

  #nextInTurn(): OutgoingPacket | undefined {
    const [queue] = this.#turns;
    if (queue === undefined) return undefined;
    this.#turns.delete(queue);
    const packet = queue.take();
    if (!queue.isEmpty) this.#turns.add(queue);
    return packet;
  }

  #send(packet: OutgoingPacket): void {
    const size = sizeOf(packet);
    this.#inFlightBytes += size;
    this.#stream.write(packet, () => {
      this.#inFlightBytes -= size;
      this.#pump();
    });
  }
}

class TurnQueue implements SendQueue {
  readonly #fifo = new PacketFifo();
  readonly #onReady: (queue: TurnQueue) => void;
  readonly #onRoom: () => void;
  #isFull = false;
  #isFinished = false;

  constructor(onReady: (queue: TurnQueue) => void, onRoom: () => void) {
    this.#onReady = onReady;
    this.#onRoom = onRoom;
  }

  get isEmpty(): boolean {
    return this.#fifo.isEmpty;
  }

  push(packet: OutgoingPacket): boolean {
    if (this.#isFinished) return true;
    this.#fifo.push(packet);
    this.#onReady(this);
    this.#isFull ||= this.#fifo.bytes > highMarkBytes;
    return !this.#isFull;
  }

  finish(): void {
    this.#isFinished = true;
  }

  take(): OutgoingPacket | undefined {
    const packet = this.#fifo.shift();
    if (this.#isFull && this.#fifo.bytes < lowMarkBytes) {
      this.#isFull = false;
      if (!this.#isFinished) this.#onRoom();
    }
    return packet;
  }
}
