import type { Metrics } from "#runtime";
import { statusName } from "../rpc/status-name.ts";
import { registerStreamMetrics } from "../stream-metrics.ts";
import { TunnelError, type TunnelErrorCode } from "../tunnel-error.ts";
import { type Packet, wireNames } from "../wire/packet.ts";
import { PacketCounts } from "../wire/packet-counts.ts";

/** Which way a packet went, by upstream's names. */
export type ClientSegment = "from_client" | "to_client";

/** A connection, as much of it as is counted. */
interface Counted {
  readonly opened: Promise<void>;
  once(event: "close", listener: () => void): unknown;
}

/** What a client of the tunnel counts. Names, labels and help texts are upstream's. */
export interface ClientMetrics {
  packet(segment: ClientSegment, packet: Packet): void;
  /** A stream ended with this gRPC status. */
  streamError(code: number): void;
  /** A dial failed for good. */
  dialFailed(error: unknown): void;
  /** Counts a connection from its dial to its end. */
  follow(connection: Counted): void;
}

const prefix = "konnectivity_network_proxy_client_";

/** Total by construction: a new code does not compile until it has a reason of upstream's. */
const reasons: Readonly<Record<TunnelErrorCode, string>> = {
  unreachable: "streamsetup",
  no_agent: "endpoint",
  dial_refused: "endpoint",
  dial_failed: "endpoint",
  dial_timeout: "timeout",
  closed: "tunnelclosed",
  protocol: "unknown",
};

/** Registers the metrics of one client. */
export function createClientMetrics(metrics: Metrics): ClientMetrics {
  const counts = new PacketCounts<ClientSegment>();
  const errors = registerStreamMetrics(metrics, prefix, counts);
  const dialFailures = metrics.counter({
    name: `${prefix}dial_failure_total`,
    help: "Number of dial failures observed, by reason (example: remote endpoint error)",
    labels: ["reason"],
  });
  const connections = metrics.gauge({
    name: `${prefix}client_connections`,
    help: "Number of open client connections, by status (Example: dialing)",
    labels: ["status"],
  });
  const count = (status: "dialing" | "ok", by: 1 | -1) => connections.add(by, { status });
  return {
    packet: (segment, packet) => counts.count(segment, packet),
    streamError(code) {
      const labels = { segment: "to_client", packet_type: wireNames.unknown };
      errors.inc({ ...labels, code: statusName(code) });
    },
    dialFailed(error) {
      // What is no error of the tunnel is its caller's own end.
      dialFailures.inc({ reason: error instanceof TunnelError ? reasons[error.code] : "context" });
    },
    follow(connection) {
      let status: "dialing" | "ok" | "over" = "dialing";
      count(status, 1);
      connection.opened.then(
        () => {
          if (status !== "dialing") return;
          count("dialing", -1);
          status = "ok";
          count("ok", 1);
        },
        () => undefined,
      );
      connection.once("close", () => {
        if (status !== "over") count(status, -1);
        status = "over";
      });
    },
  };
}
