import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { measureUsage, type Processes, type Usage } from "../process-usage.ts";
import { median, quantile } from "../report.ts";

/** One way to the managed cluster. */
export interface Target {
  readonly name: string;
  /** Origin and what comes before the path on the managed cluster. */
  readonly url: string;
  /** A bearer token of whoever is asked. It belongs to a cluster that lives for minutes. */
  readonly token: string;
  /** The authority of its certificate, PEM. h2load has no option for it. */
  readonly caFile: string;
}

export interface LoadOptions {
  readonly path: string;
  readonly concurrency: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly directory: string;
}

export interface LoadResult {
  readonly requestsPerSecond: number;
  readonly bytesPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly requests: number;
  readonly failed: number;
  /** Milliseconds by process and request. */
  readonly cpuMs: Readonly<Record<string, number>>;
  readonly idleShare: number;
}

/** Asks a target again and again with h2load, which is a process of its own. */
export async function load(
  target: Target,
  processes: Processes,
  options: LoadOptions,
): Promise<LoadResult> {
  const { path, concurrency, seconds, warmUpSeconds, directory } = options;
  const log = join(directory, "h2load.log");
  await rm(log, { force: true });
  const [connections, streams] = shapeOf(concurrency);
  const end = measureUsage(processes);
  const printed = await runH2load([
    `--duration=${seconds + warmUpSeconds}`,
    `--clients=${connections}`,
    `--max-concurrent-streams=${streams}`,
    `--log-file=${log}`,
    `--header=authorization: Bearer ${target.token}`,
    target.url + path,
  ]);
  const usage = end();
  const requests = parseLog(await readFile(log, "latin1"));
  return summarize(requests, printed, usage, options);
}

/** Sends a number of requests, sixteen at a time. */
export async function send(target: Target, path: string, count: number): Promise<void> {
  await runH2load([
    `--requests=${count}`,
    "--clients=4",
    "--max-concurrent-streams=4",
    `--header=authorization: Bearer ${target.token}`,
    target.url + path,
  ]);
}

/** Connections and streams on each: at most eight streams, and four connections where there is choice. */
function shapeOf(concurrency: number): readonly [connections: number, streams: number] {
  const connections = concurrency === 1 ? 1 : Math.max(4, concurrency / 8);
  return [connections, Math.ceil(concurrency / connections)];
}

/** Longer than any case takes on a busy machine. */
const h2loadTimeoutMs = 180_000;

async function runH2load(args: readonly string[]): Promise<string> {
  const child = spawn("h2load", args, {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: h2loadTimeoutMs,
  });
  const exited = once(child, "exit") as Promise<[number | null]>;
  const [printed, complaints, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    exited,
  ]);
  if (code === 0) return printed;
  throw new Error(`h2load ended with ${code}: ${complaints.slice(-500)}`);
}

interface Sample {
  readonly startUs: number;
  readonly status: string;
  readonly durationMs: number;
}

function parseLog(log: string): readonly Sample[] {
  return log
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [start, status = "", duration] = line.split("\t");
      return { startUs: Number(start), status, durationMs: Number(duration) / 1000 };
    });
}

function summarize(
  all: readonly Sample[],
  printed: string,
  { cpu, idleShare }: Usage,
  { seconds, warmUpSeconds }: LoadOptions,
): LoadResult {
  const isOk = ({ status }: Sample) => status.startsWith("2");
  const beginUs = all.reduce((least, { startUs }) => Math.min(least, startUs), Infinity);
  const counted = all
    .filter(({ startUs }) => startUs >= beginUs + warmUpSeconds * 1e6)
    .filter(isOk);
  const durations = counted.map(({ durationMs }) => durationMs);
  const bodies = Number(/\((\d+)\) data/.exec(printed)?.[1] ?? Number.NaN);
  const perRequest = Object.entries(cpu).map(
    ([name, s]) => [name, (s * 1000) / all.length] as const,
  );
  return {
    requestsPerSecond: counted.length / seconds,
    bytesPerSecond: bodies / (seconds + warmUpSeconds),
    p50Ms: median(durations),
    p99Ms: quantile(durations, 0.99),
    requests: all.length,
    failed: all.filter((sample) => !isOk(sample)).length,
    cpuMs: Object.fromEntries(perRequest),
    idleShare,
  };
}
