import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ReadBuffers } from "./read-buffers.ts";

const full = 64 * 1024;

/** A socket that reads with `buffers`, and what it has got so far. */
function startReading(buffers: ReadBuffers) {
  const got: Buffer[] = [];
  const reader = buffers.reader((bytes) => void got.push(bytes));
  const { buffer } = reader;
  assert.ok(typeof buffer === "function");
  const read = (length: number, value: number): Buffer => {
    const into = buffer();
    into.fill(value, 0, length);
    reader.callback(length, into);
    const last = got.at(-1);
    assert.ok(last !== undefined);
    return last;
  };
  return { read, into: () => buffer().buffer };
}

describe("ReadBuffers", () => {
  it("hands out bytes that later reads do not touch", () => {
    const { read } = startReading(new ReadBuffers());
    const lengths = [1, 100, 8 * 1024, full - 1, full, full, full - 1, full, 7];
    const got = lengths.map((length, index) => read(length, index));
    got.forEach((bytes, index) => {
      assert.equal(bytes.length, lengths[index]);
      assert.ok(bytes.every((value) => value === index));
    });
  });

  it("lets sockets that are idle share one buffer", () => {
    const buffers = new ReadBuffers();
    const [one, other] = [startReading(buffers), startReading(buffers)];
    assert.equal(one.into(), other.into());
    one.read(full, 1);
    assert.notEqual(one.into(), other.into());
    one.read(100, 1);
    assert.equal(one.into(), other.into());
  });

  it("reads into memory again that was given back, and only once", () => {
    const buffers = new ReadBuffers();
    const { read } = startReading(buffers);
    const first = read(full, 1);
    buffers.giveBack(first);
    buffers.giveBack(first);
    const later = [read(full, 2), read(full, 3), read(full, 4)].map(({ buffer }) => buffer);
    assert.equal(later.filter((buffer) => buffer === first.buffer).length, 1);
  });

  it("does not take memory that it has not lent", () => {
    const buffers = new ReadBuffers();
    const { read } = startReading(buffers);
    const foreign = Buffer.allocUnsafeSlow(full);
    buffers.giveBack(foreign);
    buffers.giveBack(read(100, 1));
    const later = [read(full, 2), read(full, 3)].map(({ buffer }) => buffer);
    assert.ok(!later.includes(foreign.buffer));
    assert.equal(new Set(later).size, 2);
  });
});
