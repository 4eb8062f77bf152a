import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createGate } from "./gate.ts";

const stays = () => undefined;

describe("a gate", () => {
  it("lets in as many as there is room for, without a wait", () => {
    const gate = createGate({ capacity: 2, queue: 0, maxWaitMs: 1000 });
    assert.equal(gate.enter(stays), undefined);
    assert.equal(gate.enter(stays), undefined);
    assert.equal(gate.enter(stays), "full");
    gate.leave();
    assert.equal(gate.enter(stays), undefined);
  });

  it("lets those who wait in by their order, before whoever comes later", async () => {
    const gate = createGate({ capacity: 1, queue: 2, maxWaitMs: 1000 });
    assert.equal(gate.enter(stays), undefined);
    const order: string[] = [];
    const waits = ["first", "second"].map(async (name) => {
      assert.equal(await gate.enter(stays), undefined);
      order.push(name);
    });
    assert.equal(gate.enter(stays), "full");
    gate.leave();
    assert.equal(gate.enter(stays) instanceof Promise, true);
    await waits[0];
    gate.leave();
    await waits[1];
    assert.deepEqual(order, ["first", "second"]);
    assert.equal(gate.inside, 1);
    gate.leave();
    gate.leave();
    assert.deepEqual([gate.inside, gate.waiting], [0, 0]);
  });

  it("refuses those who have waited too long, and forgets those who left", async () => {
    const gate = createGate({ capacity: 1, queue: 2, maxWaitMs: 5 });
    assert.equal(gate.enter(stays), undefined);
    assert.equal(await gate.enter(stays), "waited_too_long");
    let leave: () => void = () => undefined;
    const left = gate.enter((listener) => void (leave = listener));
    leave();
    assert.equal(await left, "left");
    assert.deepEqual([gate.inside, gate.waiting], [1, 0]);
  });
});
