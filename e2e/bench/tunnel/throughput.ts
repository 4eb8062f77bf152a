import { type Finding, judge, median } from "../report.ts";
import { type Bench, type StackPlan, TunnelStack } from "./stack.ts";

/** How long and how often throughput and dials are measured. */
export interface Length {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly dials: number;
}

interface Figures {
  readonly down: number[];
  readonly up: number[];
  readonly cpu: number[];
  readonly dial: number[];
}

const near = { roundTripMs: 0 } as const;
const far = { roundTripMs: 50 } as const;
export const allGo = { client: "Go", server: "Go", agent: "Go" } as const;
export const allOurs = { client: "ours", server: "ours", agent: "ours" } as const;

/** One stream and one dial at a time, ours on both ends against Go on both ends. */
export async function nearCases(bench: Bench, length: Length): Promise<readonly Finding[]> {
  const [ours, go] = await measureAll(bench, length, [
    { ...allOurs, ...near },
    { ...allGo, ...near },
  ]);
  if (ours === undefined || go === undefined) return [];
  const cpu = { ours: median(ours.cpu), reference: median(go.cpu) };
  const dial = { ours: median(ours.dial), reference: median(go.dial) };
  return [
    ...throughput("one stream", ours, go, { must: ">= 3", goal: ">= 6" }),
    judge({ case: "CPU s/GB, server + agent", ...cpu, must: "<= 0.35", goal: "<= 0.2" }),
    judge({ case: "dial to first answer, p50, ms", ...dial, must: "<= 0.3", goal: "<= 0.15" }),
  ];
}

/** One of the three is Go's, against Go on all. */
export async function mixedCases(bench: Bench, length: Length): Promise<readonly Finding[]> {
  const parts = ["agent", "server", "client"] as const;
  const plans = parts.map((part): StackPlan => ({ ...allOurs, ...near, [part]: "Go" }));
  const [go, ...mixed] = await measureAll(bench, length, [{ ...allGo, ...near }, ...plans]);
  if (go === undefined) return [];
  return mixed.flatMap((figures, index) => {
    const name = `one stream, Go ${parts[index] ?? ""}`;
    return throughput(name, figures, go, { must: ">= 1", goal: ">= 1.5" });
  });
}

/** A long way between agent and server. */
export async function farCases(bench: Bench, length: Length): Promise<readonly Finding[]> {
  const [ours, go] = await measureAll(bench, length, [
    { ...allOurs, ...far },
    { ...allGo, ...far },
  ]);
  if (ours === undefined || go === undefined) return [];
  const roundTrips = ({ dial }: Figures) => median(dial) / far.roundTripMs;
  return [
    ...throughput("50 ms round trip", ours, go, { must: ">= 3", goal: ">= 6" }),
    judge({
      case: "50 ms: dial to first answer, p50, round trips",
      ours: roundTrips(ours),
      reference: roundTrips(go),
      must: "<= 1.5",
      goal: "<= 1.1",
      bounded: "ours",
    }),
  ];
}

/** The plans take turns, so that what else the machine does hits all of them. */
async function measureAll(
  bench: Bench,
  length: Length,
  plans: readonly StackPlan[],
): Promise<readonly Figures[]> {
  const all = plans.map((plan) => ({
    plan,
    figures: { down: [], up: [], cpu: [], dial: [] } satisfies Figures as Figures,
  }));
  for (let round = 0; round < length.rounds; round += 1) {
    for (const { plan, figures } of all) await measureOne(bench, length, plan, figures);
  }
  return all.map(({ figures }) => figures);
}

async function measureOne(
  bench: Bench,
  { rounds, seconds, warmUpSeconds, dials }: Length,
  plan: StackPlan,
  into: Figures,
): Promise<void> {
  await using stack = await TunnelStack.start(bench, plan);
  // Node compiles what runs often; programs that run for months are not measured by their start.
  for (const way of ["down", "up"] as const) await stack.measure(way, warmUpSeconds);
  for (const way of ["down", "up"] as const) {
    const before = stack.cpuSeconds();
    const measured = await stack.measure<{ bytes: number; seconds: number }>(way, seconds);
    into[way].push(measured.bytes / measured.seconds / 1e6);
    into.cpu.push((stack.cpuSeconds() - before) / (measured.bytes / 1e9));
  }
  const count = Math.ceil(dials / rounds);
  const { milliseconds } = await stack.measure<{ milliseconds: number[] }>("dial", 0, count);
  into.dial.push(...milliseconds);
}

function throughput(
  name: string,
  ours: Figures,
  go: Figures,
  bounds: { readonly must: string; readonly goal: string },
): readonly Finding[] {
  return (["down", "up"] as const).map((way) =>
    judge({
      case: `${name}, ${way}, MB/s`,
      ours: median(ours[way]),
      reference: median(go[way]),
      ...bounds,
    }),
  );
}
