import type { Metrics } from "#runtime";
import type { HandshakeRefusal } from "../rpc/handshake-refusal.ts";
import type { Packet } from "../wire/packet.ts";
import { wireNames } from "../wire/packet.ts";
import { PacketCounts } from "../wire/packet-counts.ts";
import type { DialFailure } from "../wire/relay-state.ts";
import type { StrategyName } from "./backends.ts";
import { Holds } from "./holds.ts";
import { registerServerMetrics } from "./register-metrics.ts";

/** Whose packet, and which way: upstream's names. */
export type Segment = "from_client" | "to_client" | "from_agent" | "to_agent";

/** Which streams: upstream's methods, and `Carry` for those that carry one connection of an agent. */
export type StreamMethod = "Proxy" | "Connect" | "Carry";

/** What the tunnel server counts. Names and labels are upstream's where upstream has them. */
export interface ServerMetrics {
  /** Streams that are held back because somebody does not take what they bring. */
  readonly holds: Readonly<Record<StreamMethod, Holds>>;
  packet(segment: Segment, packet: Packet): void;
  streamError(segment: Segment, code: string): void;
  streams(method: "Proxy" | "Connect", by: 1 | -1): void;
  httpConnections(by: 1 | -1): void;
  dialPending(by: 1 | -1): void;
  dialDone(seconds: number): void;
  dialFailed(reason: DialFailure | "unrecognized_response"): void;
  established(by: 1 | -1): void;
  connectionEnded(seconds: number): void;
  frontendWritten(seconds: number): void;
  backends(sizes: readonly (readonly [StrategyName, number])[]): void;
  agentRefused(): void;
  handshakeRefused(listener: "agents" | "frontends", reason: HandshakeRefusal): void;
  /** A ping to an agent and back; `undefined` when the agent is gone. */
  roundTrip(agentId: string, seconds: number | undefined): void;
}

/** Registers the metrics of one tunnel server. */
export function createServerMetrics(metrics: Metrics): ServerMetrics {
  const counts = new PacketCounts<Segment>();
  const holds = { Proxy: new Holds(), Connect: new Holds(), Carry: new Holds() };
  const { gauges, counters, histograms } = registerServerMetrics(metrics, counts, holds);
  return {
    holds,
    packet: (segment, packet) => counts.count(segment, packet),
    streamError: (segment, code) => {
      counters.errors.inc({ segment, code, packet_type: wireNames.unknown });
    },
    streams: (method, by) => gauges.streams.add(by, { service_method: method }),
    httpConnections: (by) => gauges.httpConnections.add(by),
    dialPending: (by) => gauges.pending.add(by),
    dialDone: (seconds) => histograms.dial.observe(seconds),
    dialFailed: (reason) => counters.dialFailures.inc({ reason }),
    established: (by) => gauges.established.add(by),
    connectionEnded: (seconds) => histograms.connection.observe(seconds),
    frontendWritten: (seconds) => histograms.frontendWrite.observe(seconds),
    backends(sizes) {
      for (const [name, size] of sizes) gauges.ready.set(size, { proxy_strategy: name });
      gauges.readyConnections.set(sizes.at(-1)?.[1] ?? 0);
    },
    agentRefused: () => counters.refusals.inc(),
    handshakeRefused: (listener, reason) => counters.handshakes.inc({ listener, reason }),
    roundTrip(agentId, seconds) {
      if (seconds === undefined) gauges.roundTrip.remove({ agent_id: agentId });
      else gauges.roundTrip.set(seconds, { agent_id: agentId });
    },
  };
}
