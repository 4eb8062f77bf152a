import type { Metrics } from "#runtime";
import type { Packet } from "../wire/packet.ts";
import { wireNames } from "../wire/packet.ts";
import type { DialFailure } from "../wire/relay-state.ts";
import type { StrategyName } from "./backends.ts";

/** Whose packet, and which way: upstream's names. */
export type Segment = "from_client" | "to_client" | "from_agent" | "to_agent";

/** What the tunnel server counts. Names and labels are upstream's. */
export interface ServerMetrics {
  packet(segment: Segment, type: Packet["type"]): void;
  streamError(segment: Segment, code: string): void;
  streams(method: "Proxy" | "Connect", by: 1 | -1): void;
  dialPending(by: 1 | -1): void;
  dialDone(seconds: number): void;
  dialFailed(reason: DialFailure | "unrecognized_response"): void;
  established(by: 1 | -1): void;
  connectionEnded(seconds: number): void;
  backends(sizes: readonly (readonly [StrategyName, number])[]): void;
  agentRefused(): void;
}

const prefix = "konnectivity_network_proxy_server_";
const latencyBuckets = [1e-6, 1e-5, 1e-4, 0.005, 0.025, 0.1, 0.5, 2.5, 12.5];
const durationBuckets = [1, 5, 15, 30, 60, 300, 900, 1800, 3600, 14400, 43200, 86400];

/** Registers the metrics of one tunnel server. */
export function createServerMetrics(metrics: Metrics): ServerMetrics {
  const { gauges, counters, histograms } = register(metrics);
  return {
    packet: (segment, type) => counters.packets.inc({ segment, packet_type: wireNames[type] }),
    streamError: (segment, code) => {
      counters.errors.inc({ segment, code, packet_type: wireNames.unknown });
    },
    streams: (method, by) => gauges.streams.add(by, { service_method: method }),
    dialPending: (by) => gauges.pending.add(by),
    dialDone: (seconds) => histograms.dial.observe(seconds),
    dialFailed: (reason) => counters.dialFailures.inc({ reason }),
    established: (by) => gauges.established.add(by),
    connectionEnded: (seconds) => histograms.connection.observe(seconds),
    backends(sizes) {
      for (const [name, size] of sizes) gauges.ready.set(size, { proxy_strategy: name });
      gauges.readyConnections.set(sizes.at(-1)?.[1] ?? 0);
    },
    agentRefused: () => counters.refusals.inc(),
  };
}

function register(metrics: Metrics) {
  return {
    gauges: registerGauges(metrics),
    counters: {
      packets: metrics.counter({
        name: `${prefix}stream_packets_total`,
        help: "Packets, by whose stream and direction",
        labels: ["segment", "packet_type"],
      }),
      errors: metrics.counter({
        name: `${prefix}stream_errors_total`,
        help: "Streams that ended with an error",
        labels: ["segment", "code", "packet_type"],
      }),
      dialFailures: metrics.counter({
        name: `${prefix}dial_failure_count`,
        help: "Dials that came to nothing, by reason",
        labels: ["reason"],
      }),
      refusals: metrics.counter({
        name: `${prefix}agent_refusals_total`,
        help: "Agents refused because they may not serve what they claim",
      }),
    },
    histograms: {
      dial: metrics.histogram({
        name: `${prefix}dial_duration_seconds`,
        help: "From the dial request to the agent's answer",
        buckets: latencyBuckets,
      }),
      connection: metrics.histogram({
        name: `${prefix}connection_duration_seconds`,
        help: "How long connections were open",
        buckets: durationBuckets,
      }),
    },
  };
}

function registerGauges(metrics: Metrics) {
  const gauges = {
    streams: metrics.gauge({
      name: `${prefix}grpc_connections`,
      help: "Open streams, by method",
      labels: ["service_method"],
    }),
    pending: metrics.gauge({
      name: `${prefix}pending_backend_dials`,
      help: "Dials that wait for an agent's answer",
    }),
    established: metrics.gauge({
      name: `${prefix}established_connections`,
      help: "Open connections",
    }),
    ready: metrics.gauge({
      name: `${prefix}ready_backends`,
      help: "Identifiers for which at least one agent is connected",
      labels: ["proxy_strategy"],
    }),
    readyConnections: metrics.gauge({
      name: `${prefix}ready_backend_connections`,
      help: "Deprecated, see ready_backends",
    }),
  };
  gauges.pending.set(0);
  gauges.established.set(0);
  return gauges;
}
