import { createMetrics } from "#runtime";
import { createTunnelAgent, fixedTls } from "#tunnel";
import { readPair } from "./pairs.ts";

/** Agents of many clusters in one process, all idle: `crowd.ts COUNT DIRECTORY PORT`. */
const [count = "0", directory = "", port = "0"] = process.argv.slice(2);
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());
const tls = fixedTls(await readPair(directory, "agent", "client"));

const agents = Array.from({ length: Number(count) }, (_, index) =>
  createTunnelAgent({
    address: `127.0.0.1:${port}`,
    tls,
    agentId: `agent-${index}`,
    identifiers: `host=cluster-${index}`,
    metrics: createMetrics(),
  }),
);
await Promise.all(agents.map((agent) => agent.run(stop.signal)));
