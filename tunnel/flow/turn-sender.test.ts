import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { OutgoingPacket } from "../wire/packet.ts";
import { TurnSender } from "./turn-sender.ts";

/** A stream that takes packets when told to. */
class SlowStream {
  readonly sent: OutgoingPacket[] = [];
  readonly #done: (() => void)[] = [];
  write(packet: OutgoingPacket, done?: () => void): boolean {
    this.sent.push(packet);
    if (done !== undefined) this.#done.push(done);
    return true;
  }
  take(count = this.#done.length): void {
    for (const done of this.#done.splice(0, count)) done();
  }
  drain(): void {
    while (this.#done.length > 0) this.take();
  }
}

const kilobytes64 = 64 * 1024;
function data(connectionId: bigint, length = kilobytes64): OutgoingPacket {
  return { type: "data", connectionId, bytes: Buffer.alloc(length) };
}

function ids(packets: readonly OutgoingPacket[]): readonly string[] {
  return packets.map((packet) =>
    "connectionId" in packet ? `${packet.connectionId}` : packet.type,
  );
}

describe("TurnSender", () => {
  it("takes turns between connections, whatever one of them has queued", () => {
    const stream = new SlowStream();
    const sender = new TurnSender(stream);
    const [bulk, small] = [sender.open(() => undefined), sender.open(() => undefined)];
    for (let count = 0; count < 20; count += 1) bulk.push(data(1n));
    small.push(data(2n, 10));
    const before = stream.sent.length;
    stream.take(2);
    assert.deepEqual(ids(stream.sent.slice(before, before + 2)).toSorted(), ["1", "2"]);
  });

  it("keeps the order within a connection", () => {
    const stream = new SlowStream();
    const queue = new TurnSender(stream).open(() => undefined);
    const packets = [data(1n), data(1n), { type: "closeRequest", connectionId: 1n } as const];
    for (const packet of packets) queue.push(packet);
    stream.drain();
    assert.deepEqual(stream.sent, packets);
  });

  it("sends packets of no connection ahead of what waits", () => {
    const stream = new SlowStream();
    const sender = new TurnSender(stream);
    const queue = sender.open(() => undefined);
    for (let count = 0; count < 20; count += 1) queue.push(data(1n));
    const before = stream.sent.length;
    sender.control({ type: "drain" });
    stream.take(1);
    assert.deepEqual(ids(stream.sent.slice(before, before + 1)), ["drain"]);
  });

  it("asks a source to wait while its queue is full, and tells when there is room", () => {
    const stream = new SlowStream();
    let rooms = 0;
    const queue = new TurnSender(stream).open(() => (rooms += 1));
    let pushed = 0;
    while (queue.push(data(1n))) pushed += 1;
    assert.ok(pushed > 16 && pushed < 40, `took ${pushed}`);
    assert.equal(rooms, 0);
    stream.drain();
    assert.equal(rooms, 1);
  });

  it("does not make one source wait for another's queue", () => {
    const sender = new TurnSender(new SlowStream());
    const [full, other] = [sender.open(() => undefined), sender.open(() => undefined)];
    while (full.push(data(1n)));
    assert.equal(other.push(data(2n)), true);
  });

  it("sends what was queued before a connection finished, and nothing after", () => {
    const stream = new SlowStream();
    const queue = new TurnSender(stream).open(() => undefined);
    queue.push(data(1n, 1));
    queue.finish();
    queue.push(data(1n, 2));
    stream.drain();
    assert.deepEqual(stream.sent.length, 1);
  });

  it("sends nothing once closed", () => {
    const stream = new SlowStream();
    const sender = new TurnSender(stream);
    sender.close();
    sender.control({ type: "drain" });
    sender.open(() => undefined).push(data(1n));
    assert.deepEqual(stream.sent, []);
  });
});
