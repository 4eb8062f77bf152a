import { createMetrics } from "#runtime";
import { createTunnelAgent, createTunnelServer, fixedTls, type ListenerOptions } from "#tunnel";
import { readPair } from "./pairs.ts";

/** A tunnel server or agent of ours as a process of its own: `peer.ts ROLE DIRECTORY PORT`. */
const [role = "", directory = "", port = "0"] = process.argv.slice(2);
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());

if (role === "server") await runServer();
else await runAgents(Number(role.slice("agents=".length)));

async function runServer(): Promise<void> {
  const [frontendPort = 0, agentPort = 0] = port.split(",").map(Number);
  const server = createTunnelServer({
    serverId: "bench",
    serverCount: () => 1,
    strategies: ["destHost"],
    metrics: createMetrics(),
    frontends: listener(frontendPort, await readPair(directory, "frontend", "server")),
    agents: listener(agentPort, await readPair(directory, "agent", "server")),
  });
  await server.run(stop.signal);
}

/** Several agents stand for several clusters. The first one serves 127.0.0.1. */
async function runAgents(count: number): Promise<void> {
  const tls = fixedTls(await readPair(directory, "agent", "client"));
  const agents = Array.from({ length: count }, (_, index) =>
    createTunnelAgent({
      address: `127.0.0.1:${port}`,
      tls,
      agentId: `agent-${index}`,
      identifiers: index === 0 ? "host=127.0.0.1" : `host=cluster-${index}`,
      metrics: createMetrics(),
    }),
  );
  await Promise.all(agents.map((agent) => agent.run(stop.signal)));
}

function listener(listenPort: number, material: Parameters<typeof fixedTls>[0]): ListenerOptions {
  return {
    host: "127.0.0.1",
    port: listenPort,
    tls: fixedTls(material),
    ciphers: "",
    minVersion: "TLSv1.2",
    keepaliveTimeMs: 3_600_000,
    graceMs: 0,
  };
}
