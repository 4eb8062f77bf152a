import { type Finding, judge, median } from "../report.ts";
import type { Bench, StackPlan } from "./stack.ts";
import { TunnelStack } from "./stack.ts";
import { allGo, allOurs } from "./throughput.ts";

interface RoundTrips {
  readonly quiet: readonly number[];
  readonly stalled: readonly number[];
}

/** What a reader that stops, or is slow, does to another connection of the same agent. */
export async function readerCases(bench: Bench, seconds: number): Promise<readonly Finding[]> {
  const stopped = await both(bench, "stall", seconds);
  const slow = await both(bench, "slow", seconds);
  const longest = ({ stalled }: RoundTrips) => Math.max(...stalled);
  const slower = ({ quiet, stalled }: RoundTrips) => median(stalled) / median(quiet);
  return [
    judge({
      case: "a reader stops: longest gap of another, ms",
      ours: longest(stopped.ours),
      reference: longest(stopped.go),
      must: "<= 100",
      goal: "<= 20",
      bounded: "ours",
    }),
    judge({
      case: "a reader takes 1 MB/s: p50 of another, times quiet",
      ours: slower(slow.ours),
      reference: slower(slow.go),
      must: "<= 3",
      goal: "<= 1.5",
      bounded: "ours",
    }),
  ];
}

async function both(bench: Bench, mode: "stall" | "slow", seconds: number) {
  const measure = async (plan: StackPlan) => {
    await using stack = await TunnelStack.start(bench, plan);
    await stack.measure("down", 1);
    return await stack.measure<RoundTrips>(mode, seconds);
  };
  return {
    ours: await measure({ ...allOurs, roundTripMs: 0 }),
    go: await measure({ ...allGo, roundTripMs: 0 }),
  };
}
