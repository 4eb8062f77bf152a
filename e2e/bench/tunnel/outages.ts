import { type Finding, judge, median } from "../report.ts";
import { listening } from "./child.ts";
import { type Bench, type StackPlan, TunnelStack } from "./stack.ts";
import { allGo, allOurs } from "./throughput.ts";

interface Load {
  readonly startedAt: number;
  readonly rounds: readonly { readonly at: number; readonly ok: boolean }[];
}

interface Outage {
  /** From the kill, or from when the server listened again, to the first good answer. */
  readonly seconds: number;
  readonly failed: number;
}

const ours = { ...allOurs, roundTripMs: 0 } as const;
const go = { ...allGo, roundTripMs: 0 } as const;
const beforeMs = 1500;
const afterMs = 4000;

/** Server and agent are killed under load and started again at once. */
export async function restartCases(bench: Bench, times: number): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const part of ["server", "agent"] as const) {
    const [our, their] = [[] as Outage[], [] as Outage[]];
    for (let time = 0; time < times; time += 1) {
      our.push(await restart(bench, ours, part));
      their.push(await restart(bench, go, part));
    }
    const seconds = (outages: readonly Outage[]) => median(outages.map((one) => one.seconds));
    const failed = (outages: readonly Outage[]) => median(outages.map((one) => one.failed));
    findings.push(
      judge({
        case: `${part} killed: first success, s`,
        ours: seconds(our),
        reference: seconds(their),
        must: "<= 1",
        goal: "<= 0.5",
      }),
      judge({
        case: `${part} killed: failed of 16 at a time`,
        ours: failed(our),
        reference: failed(their),
        must: "<= 0.2",
        goal: "<= 0",
      }),
    );
  }
  return findings;
}

/** The server stays away for so long that everybody waits as long as they ever do. */
export async function absenceCase(bench: Bench, awaySeconds: number): Promise<Finding> {
  return judge({
    case: `server away for ${awaySeconds} s: back after it returns, s`,
    ours: await absence(bench, ours, awaySeconds),
    reference: await absence(bench, go, awaySeconds),
    must: "<= 2",
    goal: "<= 1",
    bounded: "ours",
  });
}

async function restart(bench: Bench, plan: StackPlan, part: "server" | "agent"): Promise<Outage> {
  await using stack = await TunnelStack.start(bench, plan);
  const loading = stack.measure<Load>("load", (beforeMs + afterMs) / 1000);
  await pause(beforeMs);
  const killedAt = Date.now();
  await stack.killPart(part);
  stack.startPart(part);
  const load = await loading;
  const since = killedAt - load.startedAt;
  return {
    seconds: (endOfLongestGap(load, since) - since) / 1000,
    failed: load.rounds.filter(({ ok }) => !ok).length,
  };
}

async function absence(bench: Bench, plan: StackPlan, awaySeconds: number): Promise<number> {
  await using stack = await TunnelStack.start(bench, plan);
  const loading = stack.measure<Load>("load", (beforeMs + afterMs) / 1000 + awaySeconds + 8);
  await pause(beforeMs);
  await stack.killPart("server");
  await pause(awaySeconds * 1000);
  stack.startPart("server");
  await listening(bench.ports.frontends);
  const backAt = Date.now();
  const load = await loading;
  const since = backAt - load.startedAt;
  const first = load.rounds.find(({ at, ok }) => ok && at > since);
  return ((first?.at ?? Number.POSITIVE_INFINITY) - since) / 1000;
}

/** When the first good answer came after the longest time without one. */
function endOfLongestGap({ rounds }: Load, from: number): number {
  let [longest, end, last] = [0, Number.POSITIVE_INFINITY, from];
  for (const { at, ok } of rounds.toSorted((a, b) => a.at - b.at)) {
    if (!ok || at < from) continue;
    if (at - last > longest) [longest, end] = [at - last, at];
    last = at;
  }
  return end;
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
