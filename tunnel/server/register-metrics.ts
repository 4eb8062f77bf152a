import type { Metrics } from "#runtime";
import { registerStreamMetrics } from "../stream-metrics.ts";
import type { PacketCounts, Series } from "../wire/packet-counts.ts";
import type { Holds } from "./holds.ts";

const prefix = "konnectivity_network_proxy_server_";
const latencyBuckets = [1e-6, 1e-5, 1e-4, 0.005, 0.025, 0.1, 0.5, 2.5, 12.5];
const durationBuckets = [1, 5, 15, 30, 60, 300, 900, 1800, 3600, 14400, 43200, 86400];

/**
 * The server's metrics. Where upstream's tests compare the help text, it is upstream's.
 */
export function registerServerMetrics(
  metrics: Metrics,
  counts: PacketCounts<string>,
  holds: Readonly<Record<string, Holds>>,
) {
  registerHolds(metrics, holds);
  return {
    gauges: registerGauges(metrics),
    counters: {
      errors: registerStreamMetrics(metrics, prefix, counts),
      ...registerCounters(metrics),
    },
    histograms: registerHistograms(metrics),
  };
}

/** What is counted elsewhere and read at each look. */
function registerHolds(metrics: Metrics, holds: Readonly<Record<string, Holds>>): void {
  const all = Object.entries(holds);
  metrics.counter({
    name: `${prefix}blocked_stream_seconds_total`,
    help: "How long streams were held back because somebody did not take what they brought",
    labels: ["service_method"],
    collect: () => all.map(([method, { seconds }]): Series => [labelled(method), seconds]),
  });
  metrics.gauge({
    name: `${prefix}full_receive_channels`,
    help: "Streams that are held back now, by method",
    labels: ["service_method"],
    collect(gauge) {
      for (const [method, { open }] of all) gauge.set(open, labelled(method));
    },
  });
}

function labelled(method: string) {
  return { service_method: method };
}

function registerCounters(metrics: Metrics) {
  return {
    dialFailures: metrics.counter({
      name: `${prefix}dial_failure_count`,
      help: "Number of dial failures observed. Multiple failures can occur for a single dial request.",
      labels: ["reason"],
    }),
    refusals: metrics.counter({
      name: `${prefix}agent_refusals_total`,
      help: "Agents refused because they may not serve what they claim",
    }),
    handshakes: metrics.counter({
      name: `${prefix}tls_handshake_refusals_total`,
      help: "Connections that did not get past the TLS handshake, by listener and reason",
      labels: ["listener", "reason"],
    }),
  };
}

function registerHistograms(metrics: Metrics) {
  return {
    dial: metrics.histogram({
      name: `${prefix}dial_duration_seconds`,
      help: "From the dial request to the agent's answer",
      buckets: latencyBuckets,
    }),
    frontendWrite: metrics.histogram({
      name: `${prefix}frontend_write_duration_seconds`,
      help: "From the agent's data to its leaving for the frontend",
      buckets: latencyBuckets,
    }),
    connection: metrics.histogram({
      name: `${prefix}connection_duration_seconds`,
      help: "How long connections were open",
      buckets: durationBuckets,
    }),
  };
}

function registerGauges(metrics: Metrics) {
  const gauge = (name: string, help: string, ...labels: readonly string[]) =>
    metrics.gauge({ name: prefix + name, help, labels });
  const gauges = {
    streams: gauge("grpc_connections", "Open streams, by method", "service_method"),
    httpConnections: gauge("http_connections", "Open connections of HTTP CONNECT"),
    pending: gauge("pending_backend_dials", "Current number of pending backend dial requests"),
    established: gauge(
      "established_connections",
      "Current number of established end-to-end connections (post-dial).",
    ),
    ready: gauge(
      "ready_backends",
      "Number of konnectivity agent connected to the proxy server",
      "proxy_strategy",
    ),
    readyConnections: gauge(
      "ready_backend_connections",
      "Number of konnectivity agent connected to the proxy server. DEPRECATED, please use ready_backends",
    ),
    roundTrip: gauge(
      "agent_round_trip_seconds",
      "The last ping to an agent and back, by agent",
      "agent_id",
    ),
  };
  for (const empty of [gauges.httpConnections, gauges.pending, gauges.established]) empty.set(0);
  return gauges;
}
