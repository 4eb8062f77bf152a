import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RevocationPace } from "./pace.ts";

describe("RevocationPace", () => {
  it("lets the first revocation be at once", () => {
    assert.equal(new RevocationPace().waitMs("c1/ci", 0), 0);
  });

  it("waits longer each time, and no longer than ten seconds", () => {
    const pace = new RevocationPace();
    let nowMs = 0;
    const waits = Array.from({ length: 7 }, () => {
      pace.revoked("c1/ci", nowMs);
      const waitMs = pace.waitMs("c1/ci", nowMs);
      nowMs += waitMs;
      return waitMs;
    });
    assert.deepEqual(waits, [500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    assert.equal(pace.waitMs("c1/ci", nowMs), 0);
  });

  it("counts each account by itself, and begins anew with one that it forgot", () => {
    const pace = new RevocationPace();
    for (const nowMs of [0, 500]) pace.revoked("c1/ci", nowMs);
    assert.equal(pace.waitMs("c1/other", 500), 0);
    pace.forget("c1/ci");
    assert.equal(pace.waitMs("c1/ci", 500), 0);
    pace.revoked("c1/ci", 600);
    assert.equal(pace.waitMs("c1/ci", 600), 500);
  });
});
