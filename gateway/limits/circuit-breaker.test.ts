import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Attempt, createCircuitBreaker } from "./circuit-breaker.ts";

function setUp() {
  let clock = 0;
  const breaker = createCircuitBreaker({
    threshold: 3,
    openMs: 1000,
    maxOpenMs: 3000,
    now: () => clock,
  });
  const attempt = (): Attempt => {
    const verdict = breaker.ask();
    assert.ok(verdict.kind === "pass", "refused");
    return verdict.attempt;
  };
  const fail = (times: number) => {
    for (const one of Array.from({ length: times }, attempt)) one.failed("no answer");
  };
  const asked = () => {
    const verdict = breaker.ask();
    return verdict.kind === "refuse" ? "refuse" : verdict.attempt.isProbe ? "probe" : "pass";
  };
  return { breaker, attempt, fail, asked, pass: (ms: number) => void (clock += ms) };
}

describe("a circuit breaker", () => {
  it("stays closed while no more than two requests in a row fail", () => {
    const { attempt, fail, asked } = setUp();
    fail(2);
    attempt().succeeded();
    fail(2);
    assert.equal(asked(), "pass");
  });

  it("opens with the third, and says why and for how long", () => {
    const { breaker, fail, pass } = setUp();
    fail(3);
    pass(400);
    assert.deepEqual(breaker.ask(), { kind: "refuse", retryInMs: 600, because: "no answer" });
    assert.equal(breaker.state, "open");
  });

  it("lets one request through afterwards, and closes when it is answered", () => {
    const { breaker, attempt, fail, asked, pass } = setUp();
    fail(3);
    pass(1000);
    const probe = attempt();
    assert.equal(probe.isProbe, true);
    assert.equal(asked(), "refuse");
    probe.succeeded();
    assert.equal(asked(), "pass");
    assert.equal(breaker.state, "closed");
  });

  it("stays open for twice as long with every probe that fails, up to a limit", () => {
    const { attempt, fail, asked, pass } = setUp();
    fail(3);
    const pauses = [1000, 2000, 3000, 3000];
    for (const pauseMs of pauses) {
      pass(pauseMs - 1);
      assert.equal(asked(), "refuse");
      pass(1);
      attempt().failed("no answer");
    }
  });

  it("is not kept open by what was under way when it opened", () => {
    const { attempt, fail, asked, pass } = setUp();
    const before = [attempt(), attempt()];
    fail(3);
    pass(900);
    for (const one of before) one.failed("no answer");
    pass(100);
    assert.equal(asked(), "probe");
  });

  it("lets the next one try when the client of a probe left", () => {
    const { attempt, fail, asked, pass } = setUp();
    fail(3);
    pass(1000);
    attempt().abandoned();
    assert.equal(asked(), "probe");
  });

  for (const end of ["abandoned", "failed"] as const) {
    it(`goes on waiting for its probe when one that began before has ${end}`, () => {
      const { attempt, fail, asked, pass } = setUp();
      const before = attempt();
      fail(3);
      pass(1000);
      const probe = attempt();
      before[end]("no answer");
      assert.equal(asked(), "refuse");
      probe.succeeded();
      assert.equal(asked(), "pass");
    });
  }

  it("hears of each request once", () => {
    const { attempt, fail, asked, pass } = setUp();
    fail(3);
    pass(1000);
    const first = attempt();
    first.abandoned();
    const second = attempt();
    assert.equal(second.isProbe, true);
    first.failed("late");
    first.abandoned();
    assert.equal(asked(), "refuse");
  });

  it("closes at once for a cluster that is another now", () => {
    const { breaker, fail, asked } = setUp();
    fail(3);
    breaker.reset();
    assert.equal(asked(), "pass");
  });
});
