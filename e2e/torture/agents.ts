import { parseArgs } from "node:util";
import { createMetrics } from "#runtime";
import { createTunnelAgent, loadTlsFiles } from "#tunnel";

/** Agents of many clusters in one process, all idle: cluster FIRST, FIRST + 1 and so on. */
const { values } = parseArgs({
  options: {
    count: { type: "string", default: "0" },
    first: { type: "string", default: "0" },
    port: { type: "string", default: "0" },
    ca: { type: "string", default: "" },
    cert: { type: "string", default: "" },
    key: { type: "string", default: "" },
  },
});
const tls = await loadTlsFiles({ caFile: values.ca, certFile: values.cert, keyFile: values.key });
const agents = Array.from({ length: Number(values.count) }, (_, index) => {
  const cluster = Number(values.first) + index;
  return createTunnelAgent({
    address: `127.0.0.1:${values.port}`,
    tls,
    agentId: `agent-${cluster}`,
    identifiers: `host=cluster-${cluster}`,
    metrics: createMetrics(),
  });
});
await Promise.all(agents.map((agent) => agent.run(new AbortController().signal)));
