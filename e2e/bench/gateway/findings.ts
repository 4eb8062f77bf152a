import { type Finding, judge, median } from "../report.ts";
import { farRoundTripMs, type TargetName } from "./bench-bed.ts";
import { concurrencies, keyOf, type Runs, userConcurrency } from "./cases.ts";
import type { LoadResult } from "./load.ts";
import type { WatchResult } from "./watch-fan.ts";

const ours = ["gateway", "tunnel-server", "agent"];

/** Bounds of throughput against direct, for each concurrency. */
const throughputBounds = {
  hub: { must: [">= 0.2", ">= 0.3", ">= 0.3"], goal: [">= 0.28", ">= 0.38", ">= 0.38"] },
  door: { must: [">= 0.33", ">= 0.45", ">= 0.45"], goal: [">= 0.42", ">= 0.6", ">= 0.55"] },
} as const;

/** Compares what was measured with what it must be: medians of the repetitions. */
export function findingsOf(runs: Runs): readonly Finding[] {
  return [
    ...throughput(runs),
    userServer(runs),
    ...latency(runs),
    ...cpu(runs),
    ...lists(runs),
    ...watches(runs),
    memory(runs),
  ];
}

function throughput(runs: Runs): readonly Finding[] {
  return (["hub", "door"] as const).flatMap((road) =>
    concurrencies.map((concurrency, at) =>
      judge({
        case: `GET 1 KB, ${road}, requests/s against direct, c=${concurrency}`,
        ours: middle(runs, "get", road, concurrency, rate),
        reference: middle(runs, "get", "direct", concurrency, rate),
        must: throughputBounds[road].must[at] ?? "",
        goal: throughputBounds[road].goal[at] ?? "",
      }),
    ),
  );
}

function userServer(runs: Runs): Finding {
  return judge({
    case: `GET 1 KB, user server, requests/s against direct, c=${userConcurrency}`,
    ours: middle(runs, "get", "user", userConcurrency, rate),
    reference: middle(runs, "get", "direct", userConcurrency, rate),
    must: ">= 0.28",
    goal: ">= 0.45",
  });
}

function latency(runs: Runs): readonly Finding[] {
  const p50 = (road: TargetName) => middle(runs, "get", road, 1, ({ p50Ms }) => p50Ms);
  const reference = p50("direct");
  return [
    judge({
      case: "GET p50 against direct, hub, c=1",
      ours: p50("hub"),
      reference,
      must: "<= 5",
      goal: "<= 3.5",
    }),
    judge({
      case: "GET p50 against direct, door, c=1",
      ours: p50("door"),
      reference,
      must: "<= 3",
      goal: "<= 2.3",
    }),
    judge({
      case: `GET p50, round trips of ${farRoundTripMs} ms, door`,
      ours: p50("far"),
      reference: farRoundTripMs,
      must: "<= 1.2",
      goal: "<= 1.05",
    }),
  ];
}

function cpu(runs: Runs): readonly Finding[] {
  const managed = (road: TargetName) => middle(runs, "get", road, 16, cpuOf("managed API"));
  return [
    judge({
      case: "CPU ms per GET of our processes, c=16",
      ours: middle(runs, "get", "door", 16, cpuOf(...ours)),
      must: "<= 1.2",
      goal: "<= 0.6",
    }),
    judge({
      case: "CPU per GET of the managed API server against direct, c=16",
      ours: managed("door"),
      reference: managed("direct"),
      must: "<= 1.2",
      goal: "<= 1.05",
    }),
  ];
}

function lists(runs: Runs): readonly Finding[] {
  const speed = (road: TargetName) =>
    middle(runs, "list", road, 1, ({ bytesPerSecond }) => bytesPerSecond / 1e6);
  return [
    judge({
      case: "LIST 6 MB, MB/s against direct, door",
      ours: speed("door"),
      reference: speed("direct"),
      must: ">= 0.75",
      goal: ">= 1",
    }),
    judge({
      case: "CPU ms per LIST 6 MB of our processes",
      ours: middle(runs, "list", "door", 1, cpuOf(...ours)),
      must: "<= 100",
      goal: "<= 60",
    }),
  ];
}

function watches(runs: Runs): readonly Finding[] {
  const of = (road: TargetName, figure: (result: WatchResult) => number) =>
    median((runs.watches.get(road) ?? []).map(figure));
  // What was taken once is kept for the next: only the first growth is that of the watches.
  const growth = runs.watches.get("hub")?.[0]?.bytesPerWatch ?? {};
  return [
    judge({
      case: "1,000 watches, hub: time to establish against direct",
      ours: of("hub", ({ establishMs }) => establishMs),
      reference: of("direct", ({ establishMs }) => establishMs),
      must: "<= 3.5",
      goal: "<= 2",
    }),
    judge({
      case: "1,000 watches, hub: event delay p50 against direct",
      ours: of("hub", ({ delayP50Ms }) => delayP50Ms),
      reference: of("direct", ({ delayP50Ms }) => delayP50Ms),
      must: "<= 4",
      goal: "<= 2.5",
    }),
    judge({
      case: "KB of memory per open watch, all our processes",
      ours: sum(ours.map((name) => growth[name])) / 1000,
      must: "<= 90",
      goal: "<= 40",
    }),
  ];
}

function memory(runs: Runs): Finding {
  return judge({
    case: "MB that the gateway grew from 1,000 to 10,000 requests",
    ours: runs.memoryGrowthBytes / 1e6,
    must: "<= 20",
    goal: "<= 5",
  });
}

const rate = ({ requestsPerSecond }: LoadResult) => requestsPerSecond;

function cpuOf(...names: readonly string[]): (result: LoadResult) => number {
  return ({ cpuMs }) => sum(names.map((name) => cpuMs[name]));
}

function sum(figures: readonly (number | undefined)[]): number {
  return figures.reduce<number>((total, figure) => total + (figure ?? Number.NaN), 0);
}

function middle(
  runs: Runs,
  kind: string,
  road: TargetName,
  concurrency: number,
  figure: (result: LoadResult) => number,
): number {
  return median((runs.loads.get(keyOf(kind, road, concurrency)) ?? []).map(figure));
}
