import type { Metrics } from "#runtime";
import { registerStreamMetrics } from "../stream-metrics.ts";
import { type Packet, wireNames } from "../wire/packet.ts";
import { PacketCounts } from "../wire/packet-counts.ts";

/** Which way a packet went, by upstream's names. */
export type AgentSegment = "from_agent" | "to_agent";

/** What the tunnel agent counts. Names and labels are upstream's. */
export interface AgentMetrics {
  packet(segment: AgentSegment, packet: Packet): void;
  streamError(code: string): void;
  servers(open: number, known: number): void;
  connectFailed(): void;
  connections(by: 1 | -1): void;
  dialled(seconds: number): void;
  dialFailed(reason: "timeout" | "unknown"): void;
}

const prefix = "konnectivity_network_proxy_agent_";
const buckets = [0.005, 0.025, 0.1, 0.5, 2.5, 10, 30];

/** Registers the metrics of one tunnel agent. Where upstream's tests compare the help text, it is upstream's. */
export function createAgentMetrics(metrics: Metrics): AgentMetrics {
  const counts = new PacketCounts<AgentSegment>();
  const errors = registerStreamMetrics(metrics, prefix, counts);
  const counters = registerCounters(metrics);
  const gauge = (name: string, help: string) => metrics.gauge({ name: prefix + name, help });
  const open = gauge("open_server_connections", "Tunnel servers that this agent is connected to");
  const known = gauge("known_server_count", "Tunnel servers that this agent should connect to");
  const endpoints = gauge(
    "open_endpoint_connections",
    "Current number of open endpoint connections.",
  );
  const dial = metrics.histogram({
    name: `${prefix}dial_duration_seconds`,
    help: "From the dial request to the open connection",
    buckets,
  });
  endpoints.set(0);
  return {
    packet: (segment, packet) => counts.count(segment, packet),
    streamError(code) {
      errors.inc({ segment: "to_agent", code, packet_type: wireNames.unknown });
      counters.failures.inc({ direction: "from_server" });
    },
    servers(openCount, knownCount) {
      open.set(openCount);
      known.set(knownCount);
    },
    connectFailed: () => counters.failures.inc({ direction: "to_server" }),
    connections: (by) => endpoints.add(by),
    dialled: (seconds) => dial.observe(seconds),
    dialFailed: (reason) => counters.dialFailures.inc({ reason }),
  };
}

function registerCounters(metrics: Metrics) {
  return {
    failures: metrics.counter({
      name: `${prefix}server_connection_failure_count`,
      help: "Failures of connections to tunnel servers, by direction",
      labels: ["direction"],
    }),
    dialFailures: metrics.counter({
      name: `${prefix}endpoint_dial_failure_total`,
      help: "Number of failures dialing the remote endpoint, by reason (example: timeout).",
      labels: ["reason"],
    }),
  };
}
