/** How long answers of clusters take to begin. */
export interface Latencies {
  note(cluster: string, ms: number): void;
  /** The moving average of the last few, or `undefined` before the first. */
  of(cluster: string): number | undefined;
  forget(cluster: string): void;
}

/** Of an average, what the newest answer makes. */
const weight = 0.2;

/** Makes an empty memory. */
export function createLatencies(): Latencies {
  const averages = new Map<string, number>();
  return {
    note(cluster, ms) {
      const before = averages.get(cluster) ?? ms;
      averages.set(cluster, before + weight * (ms - before));
    },
    of: (cluster) => averages.get(cluster),
    forget: (cluster) => void averages.delete(cluster),
  };
}
