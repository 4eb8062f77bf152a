import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createExpiringCache } from "./expiring-cache.ts";

describe("createExpiringCache()", () => {
  it("asks once for all who wait, and again once the answer has expired", async () => {
    let nowMs = 0;
    let asked = 0;
    const cache = createExpiringCache<number>({ ttlMs: () => 10, maxEntries: 9, now: () => nowMs });
    const ask = () => Promise.resolve((asked += 1));
    const answers = await Promise.all([cache.get("a", ask), cache.get("a", ask)]);
    assert.deepEqual([answers, asked], [[1, 1], 1]);
    nowMs = 9;
    assert.equal(await cache.get("a", ask), 1);
    nowMs = 10;
    assert.deepEqual([cache.peek("a"), await cache.get("a", ask)], [undefined, 2]);
  });

  it("does not remember a rejection", async () => {
    const cache = createExpiringCache<number>({ ttlMs: () => 10, maxEntries: 9 });
    await assert.rejects(cache.get("a", () => Promise.reject(new Error("no"))));
    assert.equal(await cache.get("a", () => Promise.resolve(1)), 1);
  });

  it("keeps no more than it may, the newest", async () => {
    const cache = createExpiringCache<number>({ ttlMs: () => 10, maxEntries: 2, now: () => 0 });
    for (const key of ["a", "b", "c"]) await cache.get(key, () => Promise.resolve(1));
    assert.deepEqual(
      ["a", "b", "c"].map((key) => cache.peek(key)),
      [undefined, 1, 1],
    );
  });
});
