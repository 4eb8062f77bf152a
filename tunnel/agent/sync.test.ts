import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SyncDelays, serverCount, shouldConnect } from "./sync.ts";

describe("shouldConnect()", () => {
  const cases: readonly (readonly [
    connected: number,
    count: number,
    forever: boolean,
    want: boolean,
  ])[] = [
    [0, 1, false, true],
    [1, 1, false, false],
    [2, 3, false, true],
    [3, 2, false, false],
    [1, 1, true, true],
    [0, 0, false, true],
  ];
  for (const [connected, count, isSyncForever, want] of cases) {
    it(`says ${want} for ${connected} of ${count}${isSyncForever ? ", forever" : ""}`, () => {
      assert.equal(shouldConnect({ connected, serverCount: count, isSyncForever }), want);
    });
  }
});

describe("serverCount()", () => {
  it("follows the servers where no Leases are counted", () => {
    const counts = { fromServers: 3, fromLeases: undefined };
    assert.deepEqual([serverCount("default", counts), serverCount("max", counts)], [3, 3]);
  });

  it("follows the Leases, or the larger number when asked to", () => {
    const counts = { fromServers: 3, fromLeases: 2 };
    assert.deepEqual([serverCount("default", counts), serverCount("max", counts)], [2, 3]);
  });

  it("is at least one", () => {
    assert.equal(serverCount("default", { fromServers: 0, fromLeases: undefined }), 1);
    assert.equal(serverCount("default", { fromServers: 3, fromLeases: 0 }), 1);
  });
});

describe("SyncDelays", () => {
  const intervals = { intervalMs: 1000, intervalCapMs: 3000, satisfiedIntervalMs: 30_000 };

  it("grow by half up to the cap while rounds fail, and start again after one that does not", () => {
    const delays = new SyncDelays(intervals, () => 0);
    const failed = Array.from({ length: 11 }, () => Math.round(delays.after("failed")));
    const grown = [100, 150, 225, 338, 506, 759, 1139, 1709, 2563, 3000, 3000];
    assert.deepEqual(failed, grown);
    assert.deepEqual([delays.after("connected"), delays.after("failed")], [1000, 100]);
  });

  it("are never longer than the cap, and differ by up to a half, while rounds fail", () => {
    const delays = new SyncDelays({ ...intervals, intervalMs: 50, intervalCapMs: 50 }, () => 1);
    assert.deepEqual([delays.after("failed"), delays.after("failed")], [25, 25]);
  });

  it("are long when there is nothing left to find", () => {
    assert.equal(new SyncDelays(intervals, () => 0).after("satisfied"), 30_000);
  });

  it("differ by up to a tenth", () => {
    assert.equal(new SyncDelays(intervals, () => 1).after("complete"), 1100);
  });
});
