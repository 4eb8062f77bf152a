import cluster from "node:cluster";
import { readFileSync } from "node:fs";
import { createWorkers, type Logger, type Metrics, type Runnable, shareMetrics } from "#runtime";
import { type Flag, type FlagValues, UsageError } from "./flags.ts";

/** Set in the environment of workers: which of them this one is, from 1. */
const slotVariable = "SPOKEWAY_WORKER";
const mostWorkers = 64;

/** The flag of a process that can be several. */
export const workerFlags = {
  workers: {
    type: "int",
    default: 0,
    help: "Processes that serve side by side, each with caches and connections of its own; 0 is one for each core of the container's CPU limit, and one without a limit",
  },
} as const satisfies Readonly<Record<string, Flag>>;

/** What this process is: one that serves alone, one of several that serve, or who starts those. */
export interface WorkerRole {
  readonly kind: "alone" | "worker" | "starter";
  /** How many processes serve. */
  readonly count: number;
  /** Of a worker: which of them it is, from 1. */
  readonly slot: number | undefined;
}

/** Throws a UsageError for what is no number of processes. */
export function workerRole({ workers }: FlagValues<typeof workerFlags>): WorkerRole {
  if (workers < 0 || workers > mostWorkers) {
    throw new UsageError(`Cannot use --workers=${workers}: expected 0 to ${mostWorkers}`);
  }
  const count = workers === 0 ? coresOf(cpuLimit()) : workers;
  const slot = ownSlot();
  if (slot !== undefined) return { kind: "worker", count, slot };
  return { kind: count === 1 ? "alone" : "starter", count, slot };
}

/** Which worker this process is; `undefined` for one that is none. */
export function ownSlot(): number | undefined {
  return cluster.isWorker ? Number(process.env[slotVariable]) : undefined;
}

/** Starts this program as several workers and keeps them running. */
export function startWorkers({ count }: WorkerRole, metrics: Metrics, log: Logger): Runnable {
  return createWorkers({
    count,
    environment: (slot) => ({ [slotVariable]: String(slot) }),
    stdout: process.stdout,
    stderr: process.stderr,
    metrics,
    log,
  });
}

/** Metrics of which a look shows those of all workers, where there are several. */
export function metricsOfAll(metrics: Metrics, { kind }: WorkerRole): Metrics {
  return kind === "worker" ? shareMetrics(metrics, process) : metrics;
}

/** What a limit of all workers leaves to each of them. */
export function shareOf(limit: number, { count }: Pick<WorkerRole, "count">): number {
  return Math.ceil(limit / count);
}

/** The path of a file that only one process may write to: each worker has one of its own. */
export function ownFile(path: string, { slot }: Pick<WorkerRole, "slot">): string {
  if (slot === undefined || path === "" || path === "-") return path;
  return path.replace(/(\.[^./]+)?$/, `-${slot}$1`);
}

/** Whole cores of a limit as `cpu.max` of a cgroup gives it; 1 without a limit. */
export function coresOf(cpuMax: string): number {
  const [quota, period] = cpuMax.trim().split(" ").map(Number);
  const cores = Math.floor((quota ?? Number.NaN) / (period ?? Number.NaN));
  return cores >= 1 ? Math.min(cores, mostWorkers) : 1;
}

function cpuLimit(): string {
  try {
    return readFileSync("/sys/fs/cgroup/cpu.max", "utf8");
  } catch {
    // No cgroup of the second version: then there is no limit that we know of.
    return "max 100000";
  }
}
