import type { ClusterGatewayLayout } from "#api";
import { isApiError } from "#kube";
import { GatewayError } from "./gateway-error.ts";

/** The error for a name that nobody knows, in the words of upstream. */
export function unknownCluster(
  name: string,
  { clusterGateways: { plural, group } }: Pick<ClusterGatewayLayout, "clusterGateways">,
): GatewayError {
  return new GatewayError(
    "not_found",
    `${plural}.${group} "${name}" not found: no such cluster ${name}`,
    { details: { name, resource: plural } },
  );
}

/** The error for a verdict that could not be written. */
export function healthError(cause: unknown, name: string): GatewayError {
  return isApiError(cause, "conflict")
    ? new GatewayError("conflict", `Health of cluster "${name}" was just written: retry`, { cause })
    : new GatewayError("hub_unavailable", `Cannot save the health of cluster "${name}"`, { cause });
}
