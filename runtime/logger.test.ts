import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describeError } from "./logger.ts";

const failed = (message: string, cause?: unknown) => new Error(message, { cause });

describe("describeError()", () => {
  const refused = failed("connect ECONNREFUSED 10.0.0.1:443");
  const cases: readonly (readonly [error: unknown, want: string])[] = [
    [failed("cannot A", failed("cannot B", refused)), `cannot A: cannot B: ${refused.message}`],
    ["a text", "a text"],
    [{ code: 7 }, '{"code":7}'],
    [
      new AggregateError([failed("one"), failed("two", refused)], ""),
      `one; two: ${refused.message}`,
    ],
    // An outer message often quotes what it wraps.
    [
      failed("server is gone: no route", failed("14 UNAVAILABLE: no route")),
      "server is gone: no route",
    ],
    [
      failed(
        "cannot dial: gone: no route",
        failed("gone: no route", failed("14 UNAVAILABLE: no route")),
      ),
      "cannot dial: gone: no route",
    ],
    [failed("gone", failed("14 UNAVAILABLE: no route")), "gone: 14 UNAVAILABLE: no route"],
    [failed("", refused), `: ${refused.message}`],
  ];
  for (const [error, want] of cases) {
    it(`says "${want}"`, () => assert.equal(describeError(error), want));
  }

  it("ends where causes go round in a circle", () => {
    const [one, two] = [failed("one"), failed("two")];
    one.cause = two;
    two.cause = one;
    assert.equal(describeError(one), "one: two");
  });
});
