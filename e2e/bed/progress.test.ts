import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createProgress, formatElapsed } from "./progress.ts";

describe("formatElapsed()", () => {
  const cases = {
    "    0.0 s": 0,
    "   12.3 s": 12_345,
    " 2 m 05 s": 125_400,
    "25 m 00 s": 1_500_000,
  };
  for (const [want, elapsedMs] of Object.entries(cases)) {
    it(`writes ${elapsedMs} ms as "${want}"`, () => assert.equal(formatElapsed(elapsedMs), want));
  }
});

describe("createProgress()", () => {
  it("puts the time since the beginning on every line", async () => {
    const lines: string[] = [];
    let nowMs = 1_000;
    const progress = createProgress(
      (line) => lines.push(line),
      () => nowMs,
    );
    nowMs += 500;
    const result = await progress.step("work", async () => {
      nowMs += 1_000;
      return 7;
    });
    assert.equal(result, 7);
    assert.deepEqual(lines, ["    1.5 s  work: done in 1.0 s\n"]);
  });
});
