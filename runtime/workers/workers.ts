import cluster, { type Worker } from "node:cluster";
import { once } from "node:events";
import type { Writable } from "node:stream";
import { isAborted, sleep } from "../abort.ts";
import { backoffDelays } from "../backoff.ts";
import type { Logger } from "../logger.ts";
import type { Metrics } from "../metrics.ts";
import type { Runnable } from "../runnable.ts";
import { relayLines } from "./line-relay.ts";
import { WorkerMetrics } from "./worker-metrics.ts";

export interface WorkersOptions {
  readonly count: number;
  /** The environment of one worker, beside our own; slots are numbered from 1. */
  readonly environment: (slot: number) => Readonly<Record<string, string>>;
  readonly stdout: Pick<Writable, "write">;
  readonly stderr: Pick<Writable, "write">;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** A worker that lived so long is started again at once. */
const settledMs = 60_000;

/**
 * Runs this program several times more, as processes that share their listening ports: whoever
 * connects gets to one of them, in turn. Each is started again when it ends; all are asked to end
 * with this one. Fails when no worker is left, for then nobody listens.
 */
export function createWorkers(options: WorkersOptions): Runnable {
  const { count, metrics } = options;
  const running = new Set<Worker>();
  const restarts = metrics.counter({
    name: "spokeway_worker_restarts_total",
    help: "Worker processes that ended before they were asked to.",
  });
  metrics.gauge({
    name: "spokeway_workers",
    help: "Worker processes that run.",
    collect: (gauge) => gauge.set(running.size),
  });
  const shared = { ...options, running, counted: new WorkerMetrics(metrics), restarts };
  return {
    name: "workers",
    async run(signal) {
      cluster.setupPrimary({ silent: true });
      const failed = new AbortController();
      const either = AbortSignal.any([signal, failed.signal]);
      const slots = Array.from({ length: count }, (_, index) => index + 1);
      await Promise.all(
        slots.map(async (slot) =>
          keepRunning(slot, shared, either).catch((error: unknown) => {
            failed.abort();
            throw error;
          }),
        ),
      );
    },
  };
}

interface Shared extends WorkersOptions {
  readonly running: Set<Worker>;
  readonly counted: WorkerMetrics;
  readonly restarts: { inc(): void };
}

async function keepRunning(slot: number, shared: Shared, signal: AbortSignal): Promise<void> {
  const { running, restarts, log } = shared;
  const begin = () => backoffDelays({ minMs: 100, maxMs: 30_000, jitter: 0.2 });
  let delays = begin();
  while (!signal.aborted) {
    const startedAt = performance.now();
    const end = await runOnce(slot, shared, signal);
    if (isAborted(signal)) return;
    restarts.inc();
    log.error("Worker ended", { worker: slot, ...end });
    if (running.size === 0) throw new Error("Cannot serve: no worker is left");
    if (performance.now() - startedAt > settledMs) delays = begin();
    await sleep(delays.next().value, signal).catch(() => undefined);
  }
}

async function runOnce(
  slot: number,
  { environment, stdout, stderr, running, counted, log }: Shared,
  signal: AbortSignal,
): Promise<{ readonly exitCode: number | null; readonly killedBy: string | null }> {
  const worker = cluster.fork(environment(slot));
  const { process: child } = worker;
  running.add(worker);
  counted.add(worker);
  if (child.stdout !== null) relayLines(child.stdout, stdout);
  if (child.stderr !== null) relayLines(child.stderr, stderr);
  worker.on("error", (error) => log.warn("Cannot talk to worker", { worker: slot, error }));
  const stop = () => void child.kill("SIGTERM");
  signal.addEventListener("abort", stop);
  try {
    const [exitCode, killedBy] = (await once(child, "close")) as [number | null, string | null];
    return { exitCode, killedBy };
  } finally {
    signal.removeEventListener("abort", stop);
    running.delete(worker);
    await counted.remove(worker);
  }
}
