import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatGoDuration, parseGoDuration } from "./go-duration.ts";

describe("parseGoDuration()", () => {
  const cases: Readonly<Record<string, number>> = {
    "0": 0,
    "0s": 0,
    "8640h0m0s": 8640 * 3_600_000,
    "1m30s": 90_000,
    "1.5h": 5_400_000,
    "100ms": 100,
    "-2s": -2000,
    "1h1ms": 3_600_001,
  };
  for (const [text, want] of Object.entries(cases)) {
    it(`reads ${text}`, () => assert.equal(parseGoDuration(text), want));
  }
  for (const text of ["", "1", "h", "1d", "1h ", "abc", "1h-2m"]) {
    it(`refuses "${text}"`, () => {
      assert.throws(() => parseGoDuration(text), { name: "RangeError" });
    });
  }
});

describe("formatGoDuration()", () => {
  for (const text of ["8640h0m0s", "1m30s", "45s", "100ms", "0s", "1h0m0.5s", "-2s"]) {
    it(`writes ${text} as Go does`, () => {
      assert.equal(formatGoDuration(parseGoDuration(text)), text);
    });
  }
});
