import type { CounterMetric, Metrics } from "#runtime";
import type { PacketCounts } from "./wire/packet-counts.ts";

/**
 * Registers what server and agent count of their streams alike, under `prefix`: packets and bytes,
 * which `counts` has when somebody looks, and errors, whose counter it returns.
 */
export function registerStreamMetrics(
  metrics: Metrics,
  prefix: string,
  counts: PacketCounts<string>,
): CounterMetric {
  metrics.counter({
    name: `${prefix}stream_packets_total`,
    help: "Packets, by whose stream and direction",
    labels: ["segment", "packet_type"],
    collect: () => counts.packets(),
  });
  metrics.counter({
    name: `${prefix}stream_bytes_total`,
    help: "Bytes of connections, by whose stream and direction",
    labels: ["segment"],
    collect: () => counts.bytes(),
  });
  return metrics.counter({
    name: `${prefix}stream_errors_total`,
    help: "Streams that ended with an error",
    labels: ["segment", "code", "packet_type"],
  });
}
