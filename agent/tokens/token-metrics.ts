import type { Metrics } from "#runtime";
import type { RenewalReason } from "./renewal.ts";

/** What Prometheus is told of the tokens of one cluster. */
export interface TokenMetrics {
  /** The account's token on the hub ends then. */
  holds(account: string, expiresAtMs: number): void;
  renewed(reason: RenewalReason): void;
  /** `reason` is a condition's reason or an API error's code: a closed set. */
  failed(reason: string): void;
  /** The account is gone. */
  forget(account: string): void;
}

/** Registers the metrics; seconds are counted when they are asked for. */
export function createTokenMetrics(metrics: Metrics, now: () => number = Date.now): TokenMetrics {
  const expiries = new Map<string, number>();
  const remaining = metrics.gauge({
    name: "spokeway_token_expiry_seconds",
    help: "Seconds until the token on the hub expires",
    labels: ["account"],
    collect: (gauge) => {
      for (const [account, atMs] of expiries) gauge.set((atMs - now()) / 1000, { account });
    },
  });
  const renewals = metrics.counter({
    name: "spokeway_token_renewals_total",
    help: "Tokens that were issued and written to the hub, by why they were needed",
    labels: ["reason"],
  });
  const failures = metrics.counter({
    name: "spokeway_token_failures_total",
    help: "Looks at an account that failed or were refused, by reason",
    labels: ["reason"],
  });
  return {
    holds: (account, expiresAtMs) => void expiries.set(account, expiresAtMs),
    renewed: (reason) => renewals.inc({ reason }),
    failed: (reason) => failures.inc({ reason }),
    forget(account) {
      expiries.delete(account);
      remaining.remove({ account });
    },
  };
}
