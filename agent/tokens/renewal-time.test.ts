import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isRenewalDue, renewalDelayMs, renewalTimeMs } from "./renewal-time.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

function life(lifetimeMs: number, refreshedAtMs = 0) {
  return { refreshedAtMs, expiresAtMs: refreshedAtMs + lifetimeMs };
}

describe("renewalTimeMs()", () => {
  const cases: Readonly<Record<string, readonly [lifetimeMs: number, want: number]>> = {
    "is day 288 of 360": [360 * dayMs, 288 * dayMs],
    "is minute 24 of 30": [30 * minuteMs, 24 * minuteMs],
    "is minute 8 of 10": [10 * minuteMs, 8 * minuteMs],
  };
  for (const [name, [lifetimeMs, want]] of Object.entries(cases)) {
    it(name, () => assert.equal(renewalTimeMs(life(lifetimeMs)), want));
  }
});

describe("isRenewalDue()", () => {
  const thresholdMs = 24 * minuteMs;
  const cases: Readonly<Record<string, readonly [nowMs: number, want: boolean]>> = {
    "is false just before the threshold": [thresholdMs - 1, false],
    "is false at the threshold": [thresholdMs, false],
    "is true just after the threshold": [thresholdMs + 1, true],
    "is true when the token has expired": [hourMs, true],
  };
  for (const [name, [nowMs, want]] of Object.entries(cases)) {
    it(name, () => assert.equal(isRenewalDue(life(30 * minuteMs), nowMs), want));
  }

  it("leaves a minute between two, however short tokens live", () => {
    assert.equal(isRenewalDue(life(2_000), 59_999), false);
    assert.equal(isRenewalDue(life(2_000), 60_000), true);
  });

  it("leaves a minute between two when the managed cluster's clock is behind", () => {
    assert.equal(isRenewalDue(life(-hourMs, hourMs), hourMs + 1), false);
  });

  it("does not wait for a clock that was set back", () => {
    assert.equal(
      isRenewalDue({ refreshedAtMs: 2 * hourMs, expiresAtMs: hourMs }, 1.9 * hourMs),
      true,
    );
  });
});

describe("renewalDelayMs()", () => {
  it("is five seconds once the threshold is past", () => {
    assert.equal(renewalDelayMs({ refreshedAtMs: 0, expiresAtMs: 10_000 }, hourMs), 5_000);
  });

  it("ends five seconds after the threshold", () => {
    assert.equal(renewalDelayMs(life(10 * hourMs), hourMs), 7 * hourMs + 5_000);
  });
});
