import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { WorkQueue } from "./work-queue.ts";

describe("WorkQueue", () => {
  it("hands out each key once, earliest first", () => {
    const queue = new WorkQueue();
    queue.add("b", 20);
    queue.add("a", 10);
    queue.add("a", 10);
    assert.deepEqual([queue.take(30), queue.take(30), queue.take(30)], ["a", "b", undefined]);
  });

  it("keeps a key back until it is due", () => {
    const queue = new WorkQueue();
    queue.add("a", 100);
    assert.equal(queue.take(99), undefined);
    assert.equal(queue.nextDueMs(), 100);
    assert.equal(queue.take(100), "a");
  });

  it("keeps the earlier of two dates", () => {
    const queue = new WorkQueue();
    queue.add("a", 100);
    queue.add("a", 50);
    queue.add("a", 200);
    assert.equal(queue.nextDueMs(), 50);
  });

  it("never hands out a key that is being worked on", () => {
    const queue = new WorkQueue();
    queue.add("a", 0);
    queue.take(0);
    queue.add("a", 0);
    assert.equal(queue.take(10), undefined);
    assert.equal(queue.nextDueMs(), undefined);
    queue.done("a");
    assert.equal(queue.take(10), "a");
  });

  it("counts failures in a row", () => {
    const queue = new WorkQueue();
    assert.deepEqual([queue.fail("a"), queue.fail("a"), queue.fail("b")], [1, 2, 1]);
    queue.succeed("a");
    assert.equal(queue.fail("a"), 1);
  });
});
