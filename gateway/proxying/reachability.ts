import type { Logger } from "#runtime";

/** Remembers since when a cluster cannot be reached, and logs when that begins and ends. */
export interface Reachability {
  reached(cluster: string): void;
  missed(cluster: string, why: string): void;
  /** When the first try in a row failed, if the last one did. */
  since(cluster: string): Date | undefined;
  forget(cluster: string): void;
}

export interface ReachabilityOptions {
  readonly log: Logger;
  readonly now?: () => Date;
}

/** Makes an empty memory. */
export function createReachability({
  log,
  now = () => new Date(),
}: ReachabilityOptions): Reachability {
  const missing = new Map<string, Date>();
  return {
    reached(cluster) {
      const since = missing.get(cluster);
      if (since === undefined) return;
      missing.delete(cluster);
      log.info("Cluster can be reached again", { cluster, lostAt: since.toISOString() });
    },
    missed(cluster, why) {
      if (missing.has(cluster)) return;
      missing.set(cluster, now());
      log.warn("Cluster cannot be reached", { cluster, error: why });
    },
    since: (cluster) => missing.get(cluster),
    forget: (cluster) => void missing.delete(cluster),
  };
}
