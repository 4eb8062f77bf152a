import { join } from "node:path";
import { type Finding, judge } from "../report.ts";
import { type Bench, TunnelStack } from "./stack.ts";
import { allGo, allOurs } from "./throughput.ts";

const kilobyte = 1024;
const connectLimitMs = 90_000;
const backends = /^konnectivity_network_proxy_server_ready_backend_connections\S* (\d+)/m;

/** How many agents, and how long until what a start leaves behind is collected. */
export interface Crowd {
  readonly agents: number;
  readonly settleMs: number;
}

/** What idle agents cost the server, and an agent its cluster. */
export async function memoryCases(bench: Bench, crowd: Crowd): Promise<readonly Finding[]> {
  const { agents, settleMs } = crowd;
  const atRest = {
    ours: await restingAgent(bench, "ours", settleMs),
    go: await restingAgent(bench, "Go", settleMs),
  };
  return [
    judge({
      case: "agent process at rest, MB",
      ours: atRest.ours,
      reference: atRest.go,
      must: "<= 100",
      goal: "<= 70",
      bounded: "ours",
    }),
    judge({
      case: `server memory for each of ${agents} idle agents, KB`,
      ours: await perAgent(bench, "ours", crowd),
      reference: await perAgent(bench, "Go", crowd),
      must: "<= 75",
      goal: "<= 40",
      bounded: "ours",
    }),
  ];
}

async function restingAgent(bench: Bench, maker: "ours" | "Go", settleMs: number): Promise<number> {
  const makers = maker === "ours" ? allOurs : allGo;
  await using stack = await TunnelStack.start(bench, { ...makers, roundTripMs: 0 });
  await pause(settleMs);
  return stack.part("agent").residentBytes() / 1e6;
}

async function perAgent(
  bench: Bench,
  maker: "ours" | "Go",
  { agents, settleMs }: Crowd,
): Promise<number> {
  const makers = maker === "ours" ? allOurs : allGo;
  await using stack = await TunnelStack.start(bench, { ...makers, roundTripMs: 0 });
  const server = stack.part("server");
  await pause(settleMs);
  const before = server.residentBytes();
  const script = join(import.meta.dirname, "crowd.ts");
  const args = [String(agents), bench.directory, String(bench.ports.agents)];
  const crowd = bench.startChild("crowd", [process.execPath, script, ...args]);
  try {
    await connected(bench, agents);
    await pause(settleMs);
    return (server.residentBytes() - before) / agents / kilobyte;
  } finally {
    await crowd[Symbol.asyncDispose]();
  }
}

/** Waits until the server has a stream of each agent; throws after a minute and a half. */
async function connected(bench: Bench, agents: number): Promise<void> {
  const end = performance.now() + connectLimitMs;
  let seen = 0;
  while (performance.now() < end) {
    seen = await countAgents(bench.ports.serverAdmin);
    if (seen >= agents) return;
    await pause(500);
  }
  throw new Error(`Only ${seen} of ${agents} agents have connected`);
}

async function countAgents(port: number): Promise<number> {
  // The next server listens on the same port, and knows nothing of this one's connections.
  const headers = { connection: "close" };
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`, { headers });
  return Number(backends.exec(await answer.text())?.[1] ?? 0);
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
