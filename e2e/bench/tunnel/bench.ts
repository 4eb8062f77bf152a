import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { benchTools, findTools } from "#bed";
import { startChild } from "./child.ts";
import { writePairs } from "./pairs.ts";
import { type BenchCase, judge, median, report } from "./report.ts";
import {
  type StackContext,
  type StackPlan,
  startPeer,
  type Throughput,
  TunnelStack,
} from "./stack.ts";

/** Measures the tunnel beside Go's, all as separate processes: `bench.ts [--quick]`. */
const isQuick = process.argv.includes("--quick");
const rounds = isQuick ? 2 : 5;
const seconds = isQuick ? 2 : 3;
const warmUpSeconds = 1;
const dialCount = isQuick ? 40 : 100;
const farDialCount = 15;
const idleAgents = isQuick ? 200 : 1000;

const basePort = 20_000 + Math.floor(Math.random() * 500) * 20;
const directory = await mkdtemp(join(tmpdir(), "spokeway-bench-"));
const tools = await findTools(benchTools);
await writePairs(directory);
const targetPort = basePort + 9;
const target = startChild("target", process.execPath, [
  join(import.meta.dirname, "target.ts"),
  String(targetPort),
]);
const context: StackContext = { tools, directory, targetPort, firstPort: basePort };

interface Figures {
  readonly down: number[];
  readonly up: number[];
  readonly cpu: number[];
  readonly dial: number[];
}

const near = { roundTripMs: 0 } as const;
const far = { roundTripMs: 50 } as const;
const allGo = { client: "Go", server: "Go", agent: "Go" } as const;
const allOurs = { client: "ours", server: "ours", agent: "ours" } as const;
const mixed: readonly (readonly [string, StackPlan])[] = [
  ["Go agent", { ...allOurs, ...near, agent: "Go" }],
  ["Go server", { ...allOurs, ...near, server: "Go" }],
  ["Go client", { ...allOurs, ...near, client: "Go" }],
];

try {
  const cases = [
    ...(await localCases()),
    ...(await farCases()),
    ...(await stallCases()),
    ...(await memoryCases()),
  ];
  await report("tunnel.json", cases);
  process.exitCode = cases.every(({ holds }) => holds) ? 0 : 1;
} finally {
  await target[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
}

async function localCases(): Promise<BenchCase[]> {
  const plans = [
    ["ours", { ...allOurs, ...near }],
    ["Go", { ...allGo, ...near }],
    ...(isQuick ? [] : mixed),
  ] as const;
  const figures = await measureAll(plans, dialCount);
  const [ours, go, ...others] = figures.map(([, figure]) => figure);
  if (ours === undefined || go === undefined) return [];
  const more = { must: 3, goal: 6, better: "more" } as const;
  const mixedBounds = { must: 1, goal: 1.5, better: "more" } as const;
  return [
    ...throughputCases("one stream, ours both ends", ours, go, more),
    judge("server + agent", "CPU s/GB", pair(ours.cpu, go.cpu), {
      must: 0.35,
      goal: 0.2,
      better: "less",
    }),
    judge("dial to first answer, p50", "ms", pair(ours.dial, go.dial), {
      must: 0.3,
      goal: 0.15,
      better: "less",
    }),
    ...others.flatMap((figure, index) =>
      throughputCases(`one stream, ${mixed[index]?.[0] ?? ""}`, figure, go, mixedBounds),
    ),
  ];
}

async function farCases(): Promise<BenchCase[]> {
  const plans = [
    ["ours", { ...allOurs, ...far }],
    ["Go", { ...allGo, ...far }],
  ] as const;
  const [ours, go] = (await measureAll(plans, farDialCount)).map(([, figure]) => figure);
  if (ours === undefined || go === undefined) return [];
  const bounds = { must: 3, goal: 6, better: "more" } as const;
  const dial = { ours: median(ours.dial) / far.roundTripMs, reference: null };
  return [
    ...throughputCases("50 ms round trip", ours, go, bounds),
    judge("50 ms round trip: dial to first answer, p50", "round trips", dial, {
      must: 1.5,
      goal: 1.1,
      better: "less",
    }),
  ];
}

/** The plans take turns, so that what else the machine does hits all of them. */
async function measureAll(
  plans: readonly (readonly [string, StackPlan])[],
  dials: number,
): Promise<readonly (readonly [string, Figures])[]> {
  const figures = plans.map(([name]): readonly [string, Figures] => [
    name,
    { down: [], up: [], cpu: [], dial: [] },
  ]);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, [, plan]] of plans.entries()) {
      const figure = figures[index]?.[1];
      if (figure !== undefined) await measureOne(plan, figure, Math.ceil(dials / rounds));
    }
  }
  return figures;
}

async function measureOne(plan: StackPlan, into: Figures, dials: number): Promise<void> {
  await using stack = await TunnelStack.start(plan, context);
  const cpu = async () => (await stack.server.cpuSeconds()) + (await stack.agent.cpuSeconds());
  // Node compiles what runs often; programs that run for months are not measured by their start.
  for (const mode of ["down", "up"] as const) await stack.measure(mode, warmUpSeconds);
  for (const mode of ["down", "up"] as const) {
    const before = await cpu();
    const { bytes, seconds: taken } = await stack.measure<Throughput>(mode, seconds);
    into[mode].push(bytes / taken / 1e6);
    into.cpu.push(((await cpu()) - before) / (bytes / 1e9));
  }
  const { milliseconds } = await stack.measure<{ milliseconds: number[] }>("dial", 0, dials);
  into.dial.push(...milliseconds);
}

async function stallCases(): Promise<BenchCase[]> {
  await using stack = await TunnelStack.start({ ...allOurs, ...near }, context);
  const { stalled } = await stack.measure<{ stalled: number[] }>("stall", isQuick ? 3 : 15);
  const gap = { ours: Math.max(...stalled), reference: null };
  return [
    judge("a reader stops: longest gap of another", "ms", gap, {
      must: 100,
      goal: 20,
      better: "less",
    }),
  ];
}

async function memoryCases(): Promise<BenchCase[]> {
  const kilobyte = 1024;
  await using stack = await TunnelStack.start({ ...allOurs, ...near }, context);
  const atRest = { ours: (await stack.agent.residentBytes()) / 1e6, reference: null };
  const before = await stack.server.residentBytes();
  const crowd = startPeer(`agents=${idleAgents}`, directory, String(basePort + 1));
  await new Promise((resolve) => setTimeout(resolve, isQuick ? 10_000 : 30_000));
  const perAgent = ((await stack.server.residentBytes()) - before) / idleAgents / kilobyte;
  await crowd[Symbol.asyncDispose]();
  return [
    judge("agent process at rest", "MB", atRest, { must: 100, goal: 70, better: "less" }),
    judge(
      `server memory for each of ${idleAgents} idle agents`,
      "KB",
      { ours: perAgent, reference: null },
      {
        must: 75,
        goal: 40,
        better: "less",
      },
    ),
  ];
}

function throughputCases(
  name: string,
  ours: Figures,
  go: Figures,
  bounds: Parameters<typeof judge>[3],
): BenchCase[] {
  return (["down", "up"] as const).map((way) =>
    judge(`${name}, ${way}`, "MB/s", pair(ours[way], go[way]), bounds),
  );
}

function pair(ours: readonly number[], reference: readonly number[]) {
  return { ours: median(ours), reference: median(reference) };
}
