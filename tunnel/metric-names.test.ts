import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { status } from "@grpc/grpc-js";
import { createMetrics } from "#runtime";
import { metricFamilies } from "#testing";
import { createAgentMetrics } from "./agent/agent-metrics.ts";
import { createClientMetrics } from "./client/client-metrics.ts";
import { createServerMetrics } from "./server/server-metrics.ts";
import { TunnelError } from "./tunnel-error.ts";

type Expected = Readonly<Record<string, readonly [type: string, labels: string, help?: string]>>;

/** Upstream's names; with the help text where upstream's own tests compare it. */
const server: Expected = {
  dial_duration_seconds: ["histogram", ""],
  frontend_write_duration_seconds: ["histogram", ""],
  connection_duration_seconds: ["histogram", ""],
  grpc_connections: ["gauge", "service_method"],
  http_connections: ["gauge", ""],
  ready_backend_connections: [
    "gauge",
    "",
    "Number of konnectivity agent connected to the proxy server. DEPRECATED, please use ready_backends",
  ],
  ready_backends: [
    "gauge",
    "proxy_strategy",
    "Number of konnectivity agent connected to the proxy server",
  ],
  pending_backend_dials: ["gauge", "", "Current number of pending backend dial requests"],
  established_connections: [
    "gauge",
    "",
    "Current number of established end-to-end connections (post-dial).",
  ],
  full_receive_channels: ["gauge", "service_method"],
  dial_failure_count: [
    "counter",
    "reason",
    "Number of dial failures observed. Multiple failures can occur for a single dial request.",
  ],
  stream_packets_total: ["counter", "packet_type,segment"],
  stream_errors_total: ["counter", "code,packet_type,segment"],
  // Beyond upstream.
  stream_bytes_total: ["counter", "segment"],
  blocked_stream_seconds_total: ["counter", "service_method"],
  agent_round_trip_seconds: ["gauge", "agent_id"],
  agent_refusals_total: ["counter", ""],
  tls_handshake_refusals_total: ["counter", "listener,reason"],
};

const agent: Expected = {
  dial_duration_seconds: ["histogram", ""],
  server_connection_failure_count: ["counter", "direction"],
  endpoint_dial_failure_total: [
    "counter",
    "reason",
    "Number of failures dialing the remote endpoint, by reason (example: timeout).",
  ],
  open_server_connections: ["gauge", ""],
  known_server_count: ["gauge", ""],
  open_endpoint_connections: ["gauge", "", "Current number of open endpoint connections."],
  stream_packets_total: ["counter", "packet_type,segment"],
  stream_errors_total: ["counter", "code,packet_type,segment"],
  stream_bytes_total: ["counter", "segment"],
};

const client: Expected = {
  dial_failure_total: [
    "counter",
    "reason",
    "Number of dial failures observed, by reason (example: remote endpoint error)",
  ],
  client_connections: [
    "gauge",
    "status",
    "Number of open client connections, by status (Example: dialing)",
  ],
  stream_packets_total: ["counter", "packet_type,segment"],
  stream_errors_total: ["counter", "code,packet_type,segment"],
  // Beyond upstream.
  stream_bytes_total: ["counter", "segment"],
};

const data = { type: "data", connectionId: 1n, bytes: Buffer.from("hi") } as const;

async function serverText(): Promise<string> {
  const registry = createMetrics();
  const metrics = createServerMetrics(registry);
  metrics.packet("from_client", data);
  metrics.streamError("from_agent", "Unknown");
  metrics.streams("Proxy", 1);
  metrics.dialFailed("no_agent");
  metrics.backends([["destHost", 1]]);
  metrics.handshakeRefused("agents", "timeout");
  metrics.roundTrip("a", 0.01);
  return registry.text();
}

async function agentText(): Promise<string> {
  const registry = createMetrics();
  const metrics = createAgentMetrics(registry);
  metrics.packet("from_agent", data);
  metrics.streamError("Unknown");
  metrics.dialFailed("timeout");
  return registry.text();
}

async function clientText(): Promise<string> {
  const registry = createMetrics();
  const metrics = createClientMetrics(registry);
  metrics.packet("to_client", data);
  metrics.streamError(status.UNAVAILABLE);
  metrics.dialFailed(new TunnelError("no_agent", "nobody"));
  metrics.follow({ opened: Promise.resolve(), once: () => undefined });
  return registry.text();
}

describe("the metrics of the tunnel", () => {
  for (const [who, expected, text] of [
    ["server", server, serverText],
    ["agent", agent, agentText],
    ["client", client, clientText],
  ] as const) {
    it(`have upstream's names, types and labels at the ${who}`, async () => {
      const families = metricFamilies(await text());
      const prefix = `konnectivity_network_proxy_${who}_`;
      const names = [...families.keys()].map((name) => name.replace(prefix, ""));
      assert.deepEqual(names.toSorted(), Object.keys(expected).toSorted());
      for (const [name, [type, labels, help]] of Object.entries(expected)) {
        const got = families.get(prefix + name);
        assert.deepEqual([name, got?.type, got?.labels.join()], [name, type, labels]);
        if (help !== undefined) assert.equal(got?.help, help);
      }
    });
  }

  it("name statuses as Go does", async () => {
    assert.match(await clientText(), /stream_errors_total\{.*code="Unavailable"/);
  });

  it("show no series for what never happened", async () => {
    const registry = createMetrics();
    createServerMetrics(registry);
    assert.ok(!/^\S+dial_failure_count\{/m.test(await registry.text()));
  });
});
