import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Condition, isConditionTrue, withCondition } from "./conditions.ts";

const earlier = "2026-01-01T00:00:00Z";
const now = new Date("2026-01-02T03:04:05.678Z");

function makeCondition(overrides: Partial<Condition> = {}): Condition {
  return {
    type: "Ready",
    status: "True",
    reason: "Done",
    message: "",
    lastTransitionTime: earlier,
    ...overrides,
  };
}

describe("withCondition()", () => {
  it("keeps the transition time while the status stays", () => {
    const update = { type: "Ready", status: "True", reason: "StillDone", message: "x" } as const;
    assert.deepEqual(withCondition([makeCondition()], update, now), [
      makeCondition({ reason: "StillDone", message: "x" }),
    ]);
  });

  it("moves the transition time with the status, in whole seconds", () => {
    const update = { type: "Ready", status: "False", reason: "Broken", message: "" } as const;
    const [got] = withCondition([makeCondition()], update, now);
    assert.equal(got?.lastTransitionTime, "2026-01-02T03:04:05Z");
  });

  it("leaves the conditions of others alone", () => {
    const other = makeCondition({ type: "Available" });
    const update = { type: "Ready", status: "True", reason: "Done", message: "" } as const;
    assert.deepEqual(withCondition([other], update, now)[0], other);
  });
});

describe("isConditionTrue()", () => {
  it("counts a missing condition as not true", () => {
    assert.equal(isConditionTrue(undefined, "Ready"), false);
    assert.equal(isConditionTrue([makeCondition({ status: "Unknown" })], "Ready"), false);
    assert.equal(isConditionTrue([makeCondition()], "Ready"), true);
  });
});
