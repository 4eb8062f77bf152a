import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { ReceiveBudget, SharedReceiver } from "./shared-receiver.ts";

function makeReceiver(overrides: Partial<ReceiveBudget["limits"]> = {}) {
  const stream = {
    isHeld: false,
    pause: () => (stream.isHeld = true),
    resume: () => (stream.isHeld = false),
  };
  const limits = { connectionBytes: 100, totalBytes: 1000, patienceMs: 4000, ...overrides };
  const budget = new ReceiveBudget(limits);
  return { stream, budget, receiver: new SharedReceiver(stream, budget) };
}

describe("SharedReceiver", () => {
  beforeEach(() => mock.timers.enable({ apis: ["setInterval", "Date"] }));
  afterEach(() => mock.timers.reset());

  it("does not hold the stream while a reader is within its limit", () => {
    const { stream, receiver } = makeReceiver();
    receiver.open(() => undefined).received(100);
    assert.equal(stream.isHeld, false);
  });

  it("holds the stream for a slow reader until it has caught up by half", () => {
    const { stream, receiver } = makeReceiver();
    const inbox = receiver.open(() => assert.fail("is not stalled"));
    inbox.received(150);
    assert.equal(stream.isHeld, true);
    inbox.taken(90);
    assert.equal(stream.isHeld, true);
    inbox.taken(10);
    assert.equal(stream.isHeld, false);
    mock.timers.tick(20_000);
  });

  it("cuts a reader that takes nothing, and goes on for the others", () => {
    const { stream, receiver, budget } = makeReceiver();
    let cuts = 0;
    receiver.open(() => (cuts += 1)).received(150);
    mock.timers.tick(3000);
    assert.deepEqual([cuts, stream.isHeld], [0, true]);
    mock.timers.tick(1000);
    assert.deepEqual([cuts, stream.isHeld, budget.waitingBytes], [1, false, 0]);
  });

  it("has patience with a reader that takes a little now and then", () => {
    const { receiver } = makeReceiver();
    const inbox = receiver.open(() => assert.fail("is not stalled"));
    inbox.received(200);
    for (let second = 0; second < 20; second += 1) {
      inbox.taken(1);
      mock.timers.tick(1000);
    }
  });

  it("gives each reader less when all together hold much", () => {
    const { stream, receiver, budget } = makeReceiver({ totalBytes: 250 });
    for (const bytes of [100, 90]) receiver.open(() => undefined).received(bytes);
    assert.equal(budget.connectionLimitBytes, 60);
    receiver.open(() => undefined).received(50);
    assert.equal(stream.isHeld, true);
  });

  it("lets go when the reader it waits for closes", () => {
    const { stream, receiver, budget } = makeReceiver();
    const inbox = receiver.open(() => undefined);
    inbox.received(150);
    inbox.close();
    inbox.taken(150);
    assert.deepEqual([stream.isHeld, budget.waitingBytes], [false, 0]);
  });
});
