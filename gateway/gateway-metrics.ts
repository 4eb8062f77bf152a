import type { Metrics } from "#runtime";
import { readManagedRequest } from "./managed-request/managed-request.ts";

/** Upstream's series about proxied requests, with labels that callers cannot multiply. */
export interface GatewayMetrics {
  /** Called when a request to a cluster has ended. */
  observe(request: ProxiedRequest): void;
  /** A request has begun; call what it returns when it has ended. */
  begin(): () => void;
}

export interface ProxiedRequest {
  /** `undefined` for a name that is no cluster. */
  readonly cluster: string | undefined;
  readonly verb: string;
  /** The path on the managed cluster. */
  readonly path: string;
  readonly code: number;
  readonly seconds: number;
  readonly bytes: { readonly received: number; readonly sent: number };
}

const buckets = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30];
const maxResources = 300;
const other = "other";

/** Registers the series. */
export function createGatewayMetrics(metrics: Metrics): GatewayMetrics {
  const byResource = metrics.counter({
    name: "ocm_proxy_proxied_resource_requests_by_resource_total",
    help: "Requests to managed clusters, by resource.",
    labels: ["resource", "verb", "code"],
  });
  const byCluster = metrics.counter({
    name: "ocm_proxy_proxied_requests_by_cluster_total",
    help: "Requests to managed clusters, by cluster.",
    labels: ["cluster", "code"],
  });
  const duration = metrics.histogram({
    name: "ocm_proxy_proxied_request_duration_seconds",
    help: "From the request to the end of its answer, long ones included.",
    labels: ["resource", "verb", "cluster", "code"],
    buckets,
  });
  const inFlight = metrics.gauge({
    name: "spokeway_gateway_requests_in_flight",
    help: "Requests to managed clusters that have not ended.",
  });
  const bytes = metrics.counter({
    name: "spokeway_gateway_bytes_total",
    help: "Bytes of bodies and upgraded connections, received from clients and sent to them.",
    labels: ["cluster", "direction"],
  });
  const resources = new Set<string>();
  return {
    observe({ cluster = other, verb, path, code: number, seconds, bytes: passed }) {
      const resource = bounded(readManagedRequest("GET", path, "").resource, resources);
      const code = String(number);
      byResource.inc({ resource, verb, code });
      byCluster.inc({ cluster, code });
      bytes.inc({ cluster, direction: "received" }, passed.received);
      bytes.inc({ cluster, direction: "sent" }, passed.sent);
      duration.observe(seconds, { resource, verb, cluster, code });
    },
    begin() {
      inFlight.add(1);
      return () => inFlight.add(-1);
    },
  };
}

/** A path may name anything: only what looks like a resource counts, and only so many of them. */
function bounded(resource: string, known: Set<string>): string {
  if (known.has(resource) || resource === "") return resource;
  if (known.size >= maxResources || !/^[a-z][a-z0-9-]{0,62}$/.test(resource)) return other;
  known.add(resource);
  return resource;
}
