import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { describe, it } from "node:test";
import type { PacketStream } from "../rpc/packet-stream.ts";
import type { OutgoingPacket } from "../wire/packet.ts";
import { createOwnLink } from "./link.ts";

class ScriptedStream extends EventEmitter implements PacketStream {
  readonly sent: OutgoingPacket[] = [];
  hasRoom = true;
  isHeld = false;
  isEnded = false;
  write(packet: OutgoingPacket): boolean {
    this.sent.push(packet);
    return this.hasRoom;
  }
  end(): void {
    this.isEnded = true;
  }
  pause(): void {
    this.isHeld = true;
  }
  resume(): void {
    this.isHeld = false;
  }
}

const packet = { type: "closeRequest", connectionId: 1n } as const;
const megabyte = 1024 * 1024;

function makeLink() {
  const stream = new ScriptedStream();
  const heard = { rooms: 0 };
  const link = createOwnLink(stream, { onRoom: () => (heard.rooms += 1) });
  return { stream, heard, link };
}

describe("createOwnLink()", () => {
  it("stops the sender while the reader is behind, and lets it go on later", () => {
    const { stream, link } = makeLink();
    link.received(megabyte);
    assert.equal(stream.isHeld, true);
    link.taken(megabyte / 2);
    assert.equal(stream.isHeld, true);
    link.taken(megabyte / 2);
    assert.equal(stream.isHeld, false);
  });

  it("asks the source to wait while the stream is full, and tells when there is room", () => {
    const { stream, heard, link } = makeLink();
    assert.equal(link.send(packet), true);
    stream.hasRoom = false;
    assert.equal(link.send(packet), false);
    stream.emit("drain");
    assert.equal(heard.rooms, 1);
  });

  it("ends its stream, lets the rest of it come, and sends nothing more", () => {
    const { stream, heard, link } = makeLink();
    link.received(megabyte);
    link.finish();
    assert.deepEqual([stream.isEnded, stream.isHeld], [true, false]);
    link.send(packet);
    link.received(megabyte);
    stream.emit("drain");
    assert.deepEqual([stream.sent.length, stream.isHeld, heard.rooms], [0, false, 0]);
  });
});
