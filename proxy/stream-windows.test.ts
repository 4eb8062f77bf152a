import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { chooseWindow } from "./stream-windows.ts";
import { windows } from "./windows.ts";

const { streamBytes, leastStreamBytes, budgetBytes } = windows;

describe("chooseWindow()", () => {
  it("gives few streams the widest window", () => {
    for (const streams of [0, 1, 8]) assert.equal(chooseWindow(streams, streamBytes), streamBytes);
  });

  it("keeps the sum of all windows inside of the budget, down to the least window", () => {
    for (let streams = 9; streams <= budgetBytes / leastStreamBytes; streams += 1) {
      assert.ok(streams * chooseWindow(streams, streamBytes) <= budgetBytes, String(streams));
    }
    assert.equal(chooseWindow(10_000, streamBytes), leastStreamBytes);
  });

  it("narrows at once, and widens only when much less is needed", () => {
    const narrow = chooseWindow(20, streamBytes);
    assert.equal(narrow, streamBytes / 4);
    assert.equal(chooseWindow(12, narrow), narrow);
    assert.equal(chooseWindow(8, narrow), streamBytes);
  });

  it("holds little even when each stream filled its window before the next one came", () => {
    let held = 0;
    let window: number = streamBytes;
    for (let streams = 1; streams <= 250; streams += 1) {
      window = chooseWindow(streams, window);
      held += window;
    }
    assert.ok(held < 5 * budgetBytes, String(held));
  });
});
