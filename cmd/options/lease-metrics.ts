import { leases } from "#api";
import { type CallOutcome, type KubeClient, observeCalls } from "#kube";
import type { Metrics } from "#runtime";

const server = "konnectivity_network_proxy_server_";
const agent = "konnectivity_network_proxy_agent_";
const agentBuckets = [0.005, 0.025, 0.1, 0.5, 2.5, 10, 30];
const serverBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** A client whose calls about Leases are counted as upstream's server counts them. */
export function countServerLeases(
  client: KubeClient,
  metrics: Metrics,
): { readonly client: KubeClient; readonly culled: (count: number) => void } {
  const culled = metrics.counter({
    name: `${server}culled_leases_count`,
    help: "Leases of servers that are gone which this one removed",
  });
  const calls = { list: verbMetrics(metrics, "list"), delete: verbMetrics(metrics, "delete") };
  const observed = observeLeases(client, ({ verb, httpStatus, reason, seconds }) => {
    if (verb === "watch") return;
    calls[verb].total.inc({ http_status_code: httpStatus, reason });
    calls[verb].latency.observe(seconds, { http_status_code: httpStatus });
  });
  return { client: observed, culled: (count) => culled.inc({}, count) };
}

function verbMetrics(metrics: Metrics, verb: "list" | "delete") {
  return {
    total: metrics.counter({
      name: `${server}lease_${verb}_total`,
      help: `Calls to ${verb} Leases, by status and reason`,
      labels: ["http_status_code", "reason"],
    }),
    latency: metrics.histogram({
      name: `${server}lease_${verb}_latency_seconds`,
      help: `How long calls to ${verb} Leases took`,
      labels: ["http_status_code"],
      buckets: serverBuckets,
    }),
  };
}

/** A client whose calls about Leases are counted as upstream's agent counts them. */
export function countAgentLeases(client: KubeClient, metrics: Metrics): KubeClient {
  const labels = ["http_response_code", "reason"];
  const lists = metrics.counter({
    name: `${agent}lease_lists_total`,
    help: "Lists of the servers' Leases, by status and reason",
    labels,
  });
  const watches = metrics.counter({
    name: `${agent}lease_watches_total`,
    help: "Watches of the servers' Leases, by status and reason",
    labels,
  });
  const latency = metrics.histogram({
    name: `${agent}lease_list_latency_seconds`,
    help: "How long lists of the servers' Leases took",
    labels: ["http_response_code"],
    buckets: agentBuckets,
  });
  return observeLeases(client, ({ verb, httpStatus, reason, seconds }) => {
    const code = { http_response_code: httpStatus };
    if (verb === "watch") watches.inc({ ...code, reason });
    if (verb !== "list") return;
    lists.inc({ ...code, reason });
    latency.observe(seconds, code);
  });
}

function observeLeases(client: KubeClient, observe: (outcome: CallOutcome) => void): KubeClient {
  return observeCalls(client, (outcome) => {
    if (outcome.type.plural === leases.plural) observe(outcome);
  });
}
