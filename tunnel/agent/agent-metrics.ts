import type { Metrics } from "#runtime";
import { type Packet, wireNames } from "../wire/packet.ts";

/** Which way a packet went, by upstream's names. */
export type AgentSegment = "from_agent" | "to_agent";

/** What the tunnel agent counts. Names and labels are upstream's. */
export interface AgentMetrics {
  packet(segment: AgentSegment, type: Packet["type"]): void;
  streamError(code: string): void;
  servers(open: number, known: number): void;
  connectFailed(): void;
  connections(by: 1 | -1): void;
  dialled(seconds: number): void;
  dialFailed(reason: "timeout" | "unknown"): void;
}

const prefix = "konnectivity_network_proxy_agent_";
const buckets = [0.005, 0.025, 0.1, 0.5, 2.5, 10, 30];

/** Registers the metrics of one tunnel agent. */
export function createAgentMetrics(metrics: Metrics): AgentMetrics {
  const counters = registerCounters(metrics);
  const gauge = (name: string, help: string) => metrics.gauge({ name: prefix + name, help });
  const open = gauge("open_server_connections", "Tunnel servers that this agent is connected to");
  const known = gauge("known_server_count", "Tunnel servers that this agent should connect to");
  const endpoints = gauge("open_endpoint_connections", "Open connections to targets");
  const dial = metrics.histogram({
    name: `${prefix}dial_duration_seconds`,
    help: "From the dial request to the open connection",
    buckets,
  });
  endpoints.set(0);
  return {
    packet: (segment, type) => counters.packets.inc({ segment, packet_type: wireNames[type] }),
    streamError(code) {
      counters.errors.inc({ segment: "to_agent", code, packet_type: wireNames.unknown });
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
    packets: metrics.counter({
      name: `${prefix}stream_packets_total`,
      help: "Packets, by direction",
      labels: ["segment", "packet_type"],
    }),
    errors: metrics.counter({
      name: `${prefix}stream_errors_total`,
      help: "Streams that ended with an error",
      labels: ["segment", "code", "packet_type"],
    }),
    failures: metrics.counter({
      name: `${prefix}server_connection_failure_count`,
      help: "Failures of connections to tunnel servers, by direction",
      labels: ["direction"],
    }),
    dialFailures: metrics.counter({
      name: `${prefix}endpoint_dial_failure_total`,
      help: "Dials of targets that failed, by reason",
      labels: ["reason"],
    }),
  };
}
