import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ServerHints } from "./server-hints.ts";

function makeHints() {
  const clock = { nowMs: 0 };
  const hints = new ServerHints(() => clock.nowMs);
  hints.remember("spoke", "one");
  return { clock, hints };
}

describe("ServerHints", () => {
  it("hints at the server of the last good dial", () => {
    const { hints } = makeHints();
    assert.equal(hints.isHinted("spoke", "one"), true);
    assert.equal(hints.isHinted("spoke", "other"), false);
    hints.remember("spoke", "other");
    assert.equal(hints.isHinted("spoke", "one"), false);
  });

  it("has a host waited for that was there a moment ago, and no longer", () => {
    const { clock, hints } = makeHints();
    assert.equal(hints.missed("spoke"), true);
    clock.nowMs = 1999;
    assert.equal(hints.missed("spoke"), true);
    clock.nowMs = 2000;
    assert.equal(hints.missed("spoke"), false);
    assert.equal(hints.missed("never-there"), false);
  });

  it("doubts a host whose dial was missed or whose connection was lost, until a dial works", () => {
    const { hints } = makeHints();
    assert.equal(hints.isDoubtful("spoke"), false);
    for (const lose of [() => hints.missed("spoke"), () => hints.doubt("spoke")]) {
      lose();
      assert.equal(hints.isDoubtful("spoke"), true);
      hints.remember("spoke", "one");
      assert.equal(hints.isDoubtful("spoke"), false);
    }
  });

  it("counts the wait for a host from its first missed dial, not from when it was doubted", () => {
    const { clock, hints } = makeHints();
    hints.doubt("spoke");
    clock.nowMs = 60_000;
    assert.equal(hints.missed("spoke"), true);
  });
});
