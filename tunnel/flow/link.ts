import type { PacketStream } from "../rpc/packet-stream.ts";
import type { OutgoingPacket } from "../wire/packet.ts";
import type { SharedReceiver } from "./shared-receiver.ts";
import type { TurnSender } from "./turn-sender.ts";

/** What one connection has of the way between server and agent, shared or its own. */
export interface Link {
  /**
   * Sends in order. False when the source should wait; `onRoom` follows. `done` is called once
   * nobody looks at the packet any more; over a shared stream that is never told.
   */
  send(packet: OutgoingPacket, done?: () => void): boolean;
  /** Nothing more is sent, and nothing more is wanted. What was sent still goes out. */
  finish(): void;
  /** Bytes came over the link and were handed to their reader. */
  received(bytes: number): void;
  /** The reader has taken them. */
  taken(bytes: number): void;
}

export interface LinkEvents {
  /** There is room again after a `send` that said no. */
  readonly onRoom: () => void;
  /** The reader has taken nothing for too long and has to be cut. */
  readonly onStalled: () => void;
}

/** A link over a stream that many connections share: what Go programs understand. */
export function createSharedLink(
  sender: TurnSender,
  receiver: SharedReceiver,
  { onRoom, onStalled }: LinkEvents,
): Link {
  const queue = sender.open(onRoom);
  const inbox = receiver.open(onStalled);
  return {
    send: (packet) => queue.push(packet),
    finish() {
      queue.finish();
      inbox.close();
    },
    received: (bytes) => inbox.received(bytes),
    taken: (bytes) => inbox.taken(bytes),
  };
}

/** Bytes that may wait for the reader before the sender is stopped, by the stream's own window. */
const highMarkBytes = 512 * 1024;
const lowMarkBytes = 128 * 1024;

/**
 * A link over a stream of its own. HTTP/2 gives it a window, so a reader that stops stops its
 * sender and nobody else; no reader ever has to be cut.
 */
export function createOwnLink(stream: PacketStream, { onRoom }: Pick<LinkEvents, "onRoom">): Link {
  let waitingBytes = 0;
  let isHeld = false;
  let isFinished = false;
  stream.on("drain", () => {
    if (!isFinished) onRoom();
  });
  return {
    send: (packet, done) => isFinished || stream.write(packet, done),
    finish() {
      if (isFinished) return;
      isFinished = true;
      stream.end();
      // What still comes is dropped by whoever reads; the end has to be seen.
      stream.resume();
    },
    received(bytes) {
      waitingBytes += bytes;
      if (isHeld || isFinished || waitingBytes <= highMarkBytes) return;
      isHeld = true;
      stream.pause();
    },
    taken(bytes) {
      waitingBytes -= bytes;
      if (!isHeld || waitingBytes > lowMarkBytes) return;
      isHeld = false;
      stream.resume();
    },
  };
}
