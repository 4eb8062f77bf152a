import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createMetrics, type MetricsSnapshot } from "./metrics.ts";
import { lastingMetrics, sumMetrics, sumMetricsText } from "./metrics-sum.ts";

/** What a process has counted: so many requests, of which one is under way. */
async function counted(requests: number, code: string): Promise<MetricsSnapshot> {
  const metrics = createMetrics();
  metrics.counter({ name: "requests_total", help: "R.", labels: ["code"] }).inc({ code }, requests);
  metrics.gauge({ name: "in_flight", help: "F." }).set(1);
  const seconds = metrics.histogram({ name: "seconds", help: "S.", buckets: [1, 5] });
  for (let at = 0; at < requests; at += 1) seconds.observe(2);
  // As it comes from another process.
  return JSON.parse(JSON.stringify(await metrics.snapshot())) as MetricsSnapshot;
}

const linesOf = (text: string) => text.split("\n").filter((line) => /^[a-z]/.test(line));

describe("sumMetricsText()", () => {
  it("adds up what has the same name and labels", async () => {
    const all = [await counted(2, "200"), await counted(3, "200"), await counted(1, "404")];
    assert.deepEqual(
      linesOf(await sumMetricsText(all)).toSorted(),
      [
        "in_flight 3",
        'requests_total{code="200"} 5',
        'requests_total{code="404"} 1',
        "seconds_count 6",
        "seconds_sum 12",
        'seconds_bucket{le="+Inf"} 6',
        'seconds_bucket{le="1"} 0',
        'seconds_bucket{le="5"} 6',
      ].toSorted(),
    );
  });

  it("is empty when nobody has any", async () => {
    assert.deepEqual(linesOf(await sumMetricsText([])), []);
  });
});

describe("lastingMetrics()", () => {
  it("keeps what has happened, of several processes, and forgets what is under way", async () => {
    let ended: MetricsSnapshot = [];
    for (const requests of [2, 3]) {
      ended = await sumMetrics([ended, lastingMetrics(await counted(requests, "200"))]);
    }
    const lines = linesOf(await sumMetricsText([ended, await counted(1, "200")]));
    assert.ok(lines.includes('requests_total{code="200"} 6'));
    assert.ok(lines.includes("seconds_count 6"));
    assert.ok(lines.includes("in_flight 1"));
  });
});
