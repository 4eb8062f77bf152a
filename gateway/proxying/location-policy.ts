import { type HeaderPolicy, rewriteLocation } from "#proxy";
import type { Cluster } from "../clusters/cluster.ts";

/**
 * What becomes of an answer's fields: an address on the managed cluster is told as the path behind
 * which the client finds it, through the hub as at the direct door.
 */
export function locationPolicy(
  target: string,
  rest: string,
  query: string,
  { name, endpoint }: Pick<Cluster, "name" | "endpoint">,
): HeaderPolicy {
  return {
    rewrite(field, value) {
      if (field !== "location" && field !== "content-location") return value;
      const isTunnel = endpoint.kind === "tunnel";
      return rewriteLocation(value, {
        authorities: [isTunnel ? name : endpoint.url.host],
        basePath: isTunnel ? "" : endpoint.url.pathname,
        publicPath: target.slice(0, target.length - query.length - rest.length),
      });
    },
  };
}
