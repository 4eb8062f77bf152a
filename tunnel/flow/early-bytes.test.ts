import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { maxEarlyBytes } from "../wire/packet.ts";
import { EarlyBytes } from "./early-bytes.ts";

const rest = (early: EarlyBytes) => Buffer.concat(early.rest()).toString();

describe("EarlyBytes", () => {
  it("sends ahead what comes, and has nothing left when the agent has taken it", () => {
    const early = new EarlyBytes();
    assert.equal(String(early.add(Buffer.from("one "), true)), "one ");
    assert.equal(String(early.add(Buffer.from("two"), true)), "two");
    early.taken(7);
    assert.equal(rest(early), "");
  });

  it("sends again what the agent had not taken when it answered", () => {
    const early = new EarlyBytes();
    early.add(Buffer.from("one "), true);
    early.add(Buffer.from("two"), true);
    early.taken(5);
    assert.equal(rest(early), "wo");
  });

  it("keeps everything for an agent that takes nothing ahead", () => {
    const early = new EarlyBytes();
    assert.equal(early.add(Buffer.from("one"), false).length, 0);
    assert.equal(rest(early), "one");
  });

  it("sends a bounded amount ahead, keeps the rest, and asks to wait", () => {
    const early = new EarlyBytes();
    const bytes = Buffer.alloc(maxEarlyBytes + 5, "a");
    assert.equal(early.add(bytes, true).length, maxEarlyBytes);
    assert.equal(early.isFull, true);
    assert.equal(early.add(Buffer.from("b"), true).length, 0);
    assert.equal(rest(early), "aaaaab");
  });

  it("believes no agent that says it has taken more than was sent", () => {
    const early = new EarlyBytes();
    early.add(Buffer.from("one"), false);
    early.taken(100);
    assert.equal(rest(early), "one");
  });
});
