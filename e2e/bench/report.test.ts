import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatTable, isWithin, judge, median, quantile } from "./report.ts";

describe("judge()", () => {
  it("compares the ratio, not the figure", () => {
    const { ratio, holds } = judge({
      case: "x",
      ours: 30,
      reference: 100,
      must: ">= 0.3",
      goal: ">= 0.4",
    });
    assert.deepEqual([ratio, holds], [0.3, true]);
  });
  it("holds nothing for true that was not measured", () => {
    assert.equal(isWithin(Number.NaN, "<= 5"), false);
    assert.equal(isWithin(Number.NaN, ">= 5"), false);
  });
  it("refuses a bound that it cannot read", () => {
    assert.throws(() => isWithin(1, "< 5"), RangeError);
  });
});

describe("quantile()", () => {
  it("gives figures that were measured", () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1]), 1);
    assert.equal(quantile([1, 2, 3, 4], 0.99), 4);
    assert.ok(Number.isNaN(median([])));
  });
});

describe("formatTable()", () => {
  it("aligns columns", () => {
    assert.equal(
      formatTable(["a", "bb"], [["ccc", "d"]]),
      "| a   | bb |\n| --- | -- |\n| ccc | d  |",
    );
  });
});
