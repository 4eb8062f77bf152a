import { setTimeout } from "node:timers/promises";
import { residentBytes } from "../process-usage.ts";
import type { BenchBed, TargetName } from "./bench-bed.ts";
import { type LoadResult, load, send } from "./load.ts";
import { listPath, smallPath } from "./load-data.ts";
import { type WatchResult, watchFan } from "./watch-fan.ts";

/** How much is measured. */
export interface Effort {
  readonly repetitions: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly watches: number;
  readonly watchRepetitions: number;
  /** Requests before the first and before the second look at the gateway's memory. */
  readonly requests: readonly [first: number, second: number];
}

export const concurrencies = [1, 16, 64] as const;

/** Requests at once by the user server. */
export const userConcurrency = 16;

/** All that was measured: for each name one result for each repetition. */
export interface Runs {
  readonly loads: Map<string, LoadResult[]>;
  readonly watches: Map<string, WatchResult[]>;
  memoryGrowthBytes: number;
}

export const keyOf = (kind: string, target: TargetName, concurrency: number) =>
  `${kind} ${target} c=${concurrency}`;

/** Measures every case, targets in turn, so that what the machine does meanwhile hits all alike. */
export async function measureAll(
  bench: BenchBed,
  effort: Effort,
  say: (line: string) => void,
): Promise<Runs> {
  const runs: Runs = { loads: new Map(), watches: new Map(), memoryGrowthBytes: Number.NaN };
  runs.memoryGrowthBytes = await memoryGrowth(bench, effort);
  say(`gateway's memory grew by ${(runs.memoryGrowthBytes / 1e6).toFixed(1)} MB`);
  for (let repetition = 0; repetition < effort.repetitions; repetition += 1) {
    for (const step of loadSteps(bench, effort, repetition)) await step(runs, say);
  }
  for (let repetition = 0; repetition < effort.watchRepetitions; repetition += 1) {
    for (const name of rotated(["direct", "hub"] as const, repetition)) {
      await watchOnce(bench, effort, name, runs, say);
    }
  }
  return runs;
}

type Step = (runs: Runs, say: (line: string) => void) => Promise<void>;

function loadSteps(bench: BenchBed, effort: Effort, repetition: number): readonly Step[] {
  const step =
    (kind: string, name: TargetName, path: string, concurrency: number): Step =>
    async (runs, say) => {
      const { seconds, warmUpSeconds } = effort;
      const options = { path, concurrency, seconds, warmUpSeconds, directory: bench.directory };
      const result = await load(bench.target(name), bench.processes, options);
      const key = keyOf(kind, name, concurrency);
      runs.loads.set(key, [...(runs.loads.get(key) ?? []), result]);
      say(`${key}: ${describe(result)}`);
      if (result.failed > result.requests / 100) throw new Error(`${key}: ${result.failed} failed`);
    };
  const roads = rotated(["direct", "hub", "door"] as const, repetition);
  return [
    ...concurrencies.flatMap((concurrency) =>
      roads.map((name) => step("get", name, smallPath, concurrency)),
    ),
    ...roads.map((name) => step("list", name, listPath, 1)),
    step("get", "far", smallPath, 1),
    step("get", "user", smallPath, userConcurrency),
  ];
}

async function memoryGrowth(bench: BenchBed, { requests }: Effort): Promise<number> {
  const [first, second] = requests;
  const { gateway = 0 } = bench.ours;
  await send(bench.target("door"), smallPath, first);
  const before = await settled(gateway);
  await send(bench.target("door"), smallPath, second - first);
  return (await settled(gateway)) - before;
}

/** The least of some looks: garbage that waits to be collected is no growth. */
async function settled(pid: number): Promise<number> {
  const looks: number[] = [];
  for (let look = 0; look < 5; look += 1) {
    await setTimeout(500);
    looks.push(residentBytes(pid));
  }
  return Math.min(...looks);
}

async function watchOnce(
  bench: BenchBed,
  { watches }: Effort,
  name: TargetName,
  runs: Runs,
  say: (line: string) => void,
): Promise<void> {
  const target = bench.target(name);
  const result = await watchFan(target, watches, bench.processes, bench.bed.managed.api);
  runs.watches.set(name, [...(runs.watches.get(name) ?? []), result]);
  const { establishMs, delayP50Ms, events, lost } = result;
  say(
    `watches ${name}: ${establishMs.toFixed(0)} ms, delay p50 ${delayP50Ms.toFixed(1)} ms, ${events} events, ${lost} lost`,
  );
  await setTimeout(2000);
}

function rotated<T>(list: readonly T[], by: number): readonly T[] {
  return list.map((_, at) => list[(at + by) % list.length] as T);
}

function describe({ requestsPerSecond, p50Ms, p99Ms, cpuMs, idleShare }: LoadResult): string {
  const cpu = Object.entries(cpuMs).map(([name, ms]) => `${name} ${ms.toFixed(2)}`);
  return `${requestsPerSecond.toFixed(0)} req/s, p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(1)} ms, CPU ms ${cpu.join(", ")}, idle ${(idleShare * 100).toFixed(0)} %`;
}
