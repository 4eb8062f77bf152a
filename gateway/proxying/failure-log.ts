import { describeError, type Logger } from "#runtime";
import type { GatewayError } from "../answers/gateway-error.ts";

/** Logs why requests to clusters fail: each kind of failure of a cluster at most once a minute. */
export interface FailureLog {
  note(cluster: string, error: GatewayError): void;
}

export interface FailureLogOptions {
  readonly log: Logger;
  readonly now?: () => number;
}

const intervalMs = 60_000;
const maxEntries = 1000;

/** Makes one that has logged nothing yet. */
export function createFailureLog({ log, now = Date.now }: FailureLogOptions): FailureLog {
  const entries = new Map<string, { readonly loggedAtMs: number; unlogged: number }>();
  return {
    note(cluster, error) {
      // What the client did, or would not wait for, is no failure of the cluster.
      if (error.code === "bad_request" || error.code === "client_gone") return;
      const key = `${cluster} ${error.code}`;
      const entry = entries.get(key);
      if (entry !== undefined && now() - entry.loggedAtMs < intervalMs) {
        entry.unlogged += 1;
        return;
      }
      entries.delete(key);
      entries.set(key, { loggedAtMs: now(), unlogged: 0 });
      const [oldest] = entries.keys();
      if (entries.size > maxEntries && oldest !== undefined) entries.delete(oldest);
      log.warn("Request to cluster failed", {
        cluster,
        code: error.code,
        error: describeError(error),
        alsoFailed: entry?.unlogged ?? 0,
      });
    },
  };
}
