/** Remembers since when a cluster cannot be reached. */
export interface Reachability {
  reached(cluster: string): void;
  /** Notes that a try failed. Returns when the first one in a row did. */
  missed(cluster: string): Date;
  /** When the first try in a row failed, if the last one did. */
  since(cluster: string): Date | undefined;
  forget(cluster: string): void;
}

/** Makes an empty memory. */
export function createReachability(now: () => Date = () => new Date()): Reachability {
  const missing = new Map<string, Date>();
  return {
    reached: (cluster) => void missing.delete(cluster),
    missed(cluster) {
      const since = missing.get(cluster) ?? now();
      missing.set(cluster, since);
      return since;
    },
    since: (cluster) => missing.get(cluster),
    forget: (cluster) => void missing.delete(cluster),
  };
}
