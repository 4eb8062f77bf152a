import { AggregatorRegistry } from "prom-client";
import type { MetricsSnapshot } from "./metrics.ts";

/** The series of several processes as one: values of the same name and labels are added up. */
export async function sumMetrics(snapshots: readonly MetricsSnapshot[]): Promise<MetricsSnapshot> {
  return (await summed(snapshots).getMetricsAsJSON()) as unknown as MetricsSnapshot;
}

/** The same, in the Prometheus text format. */
export async function sumMetricsText(snapshots: readonly MetricsSnapshot[]): Promise<string> {
  return summed(snapshots).metrics();
}

/**
 * What counts on when a process has ended: counters and histograms, which may never fall. What it
 * had at the moment is gone with it.
 */
export function lastingMetrics(snapshot: MetricsSnapshot): MetricsSnapshot {
  return snapshot.filter(({ type }) => type === "counter" || type === "histogram");
}

function summed(snapshots: readonly MetricsSnapshot[]) {
  return AggregatorRegistry.aggregate(snapshots as unknown as object[]);
}
