import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { describe, it } from "node:test";
import { Holds } from "./holds.ts";

describe("Holds", () => {
  it("adds up how long streams were paused, those included that still are", () => {
    let nowMs = 0;
    const holds = new Holds(() => nowMs);
    const [one, other] = [new EventEmitter(), new EventEmitter()];
    holds.follow(one);
    const forget = holds.follow(other);
    one.emit("pause");
    nowMs = 1000;
    other.emit("pause");
    other.emit("pause");
    nowMs = 3000;
    assert.deepEqual([holds.open, holds.seconds], [2, 5]);
    one.emit("resume");
    one.emit("resume");
    forget();
    other.emit("pause");
    nowMs = 9000;
    assert.deepEqual([holds.open, holds.seconds], [0, 5]);
  });
});
