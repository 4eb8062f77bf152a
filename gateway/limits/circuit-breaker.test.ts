import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createCircuitBreaker } from "./circuit-breaker.ts";

function setUp() {
  let clock = 0;
  const breaker = createCircuitBreaker({
    threshold: 3,
    openMs: 1000,
    maxOpenMs: 3000,
    now: () => clock,
  });
  const fail = (times: number) => {
    for (let count = 0; count < times; count += 1) breaker.failed("no answer");
  };
  return { breaker, fail, pass: (ms: number) => void (clock += ms) };
}

describe("a circuit breaker", () => {
  it("stays closed while no more than two requests in a row fail", () => {
    const { breaker, fail } = setUp();
    fail(2);
    breaker.succeeded();
    fail(2);
    assert.deepEqual(breaker.ask(), { kind: "pass", isProbe: false });
  });

  it("opens with the third, and says why and for how long", () => {
    const { breaker, fail, pass } = setUp();
    fail(3);
    pass(400);
    assert.deepEqual(breaker.ask(), { kind: "refuse", retryInMs: 600, because: "no answer" });
    assert.equal(breaker.state, "open");
  });

  it("lets one request through afterwards, and closes when it is answered", () => {
    const { breaker, fail, pass } = setUp();
    fail(3);
    pass(1000);
    assert.deepEqual(breaker.ask(), { kind: "pass", isProbe: true });
    assert.equal(breaker.ask().kind, "refuse");
    breaker.succeeded();
    assert.deepEqual(breaker.ask(), { kind: "pass", isProbe: false });
    assert.equal(breaker.state, "closed");
  });

  it("stays open for twice as long with every probe that fails, up to a limit", () => {
    const { breaker, fail, pass } = setUp();
    fail(3);
    const pauses = [1000, 2000, 3000, 3000];
    for (const pauseMs of pauses) {
      pass(pauseMs - 1);
      assert.equal(breaker.ask().kind, "refuse");
      pass(1);
      assert.equal(breaker.ask().kind, "pass");
      breaker.failed("no answer");
    }
  });

  it("is not kept open by what was under way when it opened", () => {
    const { breaker, fail, pass } = setUp();
    fail(3);
    pass(900);
    fail(20);
    pass(100);
    assert.deepEqual(breaker.ask(), { kind: "pass", isProbe: true });
  });

  it("lets the next one try when the client of a probe left", () => {
    const { breaker, fail, pass } = setUp();
    fail(3);
    pass(1000);
    breaker.ask();
    breaker.abandoned();
    assert.deepEqual(breaker.ask(), { kind: "pass", isProbe: true });
  });
});
