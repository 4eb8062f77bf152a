import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { backoffDelays, retry } from "./backoff.ts";

describe("backoffDelays()", () => {
  it("doubles up to the largest delay", () => {
    const delays = backoffDelays({ minMs: 100, maxMs: 500, jitter: 0 });
    assert.deepEqual([...delays.take(4)], [100, 200, 400, 500]);
  });

  it("takes its share of randomness off each delay", () => {
    const delays = backoffDelays({ minMs: 100, maxMs: 1000, jitter: 0.5 }, () => 1);
    assert.deepEqual([...delays.take(2)], [50, 100]);
  });
});

describe("retry()", () => {
  const delays = () => backoffDelays({ minMs: 1, maxMs: 4, jitter: 0 });

  it("waits the delays until it works", async () => {
    const waits: number[] = [];
    let tries = 0;
    const attempt = () => {
      tries += 1;
      return tries === 3 ? Promise.resolve("done") : Promise.reject(new Error("not yet"));
    };
    const pause = (ms: number) => Promise.resolve(void waits.push(ms));
    const result = await retry(attempt, delays(), () => true, pause, new AbortController().signal);
    assert.deepEqual([result, waits], ["done", [1, 2]]);
  });

  it("gives up on an error that is not worth another try", async () => {
    const attempt = () => Promise.reject(new Error("never"));
    const pause = () => Promise.resolve();
    await assert.rejects(
      retry(attempt, delays(), () => false, pause, new AbortController().signal),
      /never/,
    );
  });
});
