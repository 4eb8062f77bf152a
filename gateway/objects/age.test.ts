import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ageOf } from "./age.ts";

const now = new Date("2026-06-01T12:00:00Z");
const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000).toISOString();
const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

describe("ageOf()", () => {
  const cases: readonly (readonly [seconds: number, text: string])[] = [
    [0, "0s"],
    [119, "119s"],
    [2 * minute, "2m"],
    [3 * minute + 12, "3m12s"],
    [10 * minute + 5, "10m"],
    [179 * minute, "179m"],
    [3 * hour, "3h"],
    [3 * hour + 20 * minute, "3h20m"],
    [8 * hour + 20 * minute, "8h"],
    [47 * hour, "47h"],
    [2 * day + 3 * hour, "2d3h"],
    [7 * day, "7d"],
    [8 * day + 23 * hour, "8d"],
    [729 * day, "729d"],
    [730 * day, "2y"],
    [800 * day, "2y70d"],
    [10 * 365 * day, "10y"],
    [-0.5, "0s"],
    [-90, "<invalid>"],
  ];
  for (const [seconds, text] of cases) {
    it(`is ${text} after ${seconds} seconds`, () => assert.equal(ageOf(ago(seconds), now), text));
  }
  it("is unknown of what was never made", () => {
    assert.equal(ageOf(undefined, now), "<unknown>");
    assert.equal(ageOf("yesterday", now), "<unknown>");
  });
});
