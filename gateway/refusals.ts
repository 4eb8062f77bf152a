import type { FrontRefusal } from "#proxy";
import type { Metrics } from "#runtime";
import type { GatewayErrorCode } from "./answers/gateway-error.ts";

/** Counts a request that was not let in; of other errors it counts none. */
export type CountRefusal = (reason: GatewayErrorCode | FrontRefusal) => void;

const reasons = [
  "bad_request",
  "unauthenticated",
  "forbidden",
  "malformed",
  "slow",
  "too_many_connections",
] as const satisfies readonly (GatewayErrorCode | FrontRefusal)[];
const counted: ReadonlySet<string> = new Set(reasons);

/** Registers the series. */
export function createRefusals(metrics: Metrics): CountRefusal {
  const refusals = metrics.counter({
    name: "spokeway_gateway_rejected_requests_total",
    help: `Requests and connections that were not let in: ${reasons.join(", ")}.`,
    labels: ["reason"],
  });
  return (reason) => {
    if (counted.has(reason)) refusals.inc({ reason });
  };
}
