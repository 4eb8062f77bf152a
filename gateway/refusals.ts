import type { Metrics } from "#runtime";
import type { GatewayErrorCode } from "./answers/gateway-error.ts";

/** Counts a request that was not let in; of other errors it counts none. */
export type CountRefusal = (reason: GatewayErrorCode | "malformed") => void;

const counted = new Set(["bad_request", "unauthenticated", "forbidden", "malformed"]);

/** Registers the series. `malformed` is what came to the port and is no HTTP. */
export function createRefusals(metrics: Metrics): CountRefusal {
  const refusals = metrics.counter({
    name: "spokeway_gateway_rejected_requests_total",
    help: "Requests that were not let in: bad_request, unauthenticated, forbidden, or malformed.",
    labels: ["reason"],
  });
  return (reason) => {
    if (counted.has(reason)) refusals.inc({ reason });
  };
}
