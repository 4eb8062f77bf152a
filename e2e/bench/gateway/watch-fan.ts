import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import type { ClusterApi } from "#bed";
import { measureUsage, type Processes, residentBytes } from "../process-usage.ts";
import type { Target } from "./load.ts";

export interface WatchOrder {
  readonly url: string;
  readonly token: string;
  readonly caFile: string;
  readonly path: string;
  readonly count: number;
}

export type WatchReport =
  | { readonly kind: "open"; readonly establishMs: number; readonly lost: number }
  | {
      readonly kind: "done";
      readonly delayP50Ms: number;
      readonly delayP99Ms: number;
      readonly events: number;
      readonly lost: number;
    };

export interface WatchResult {
  readonly establishMs: number;
  readonly delayP50Ms: number;
  readonly delayP99Ms: number;
  readonly events: number;
  readonly lost: number;
  /** By process: what each open watch added to its memory. */
  readonly bytesPerWatch: Readonly<Record<string, number>>;
  /** CPU seconds by process, for all of it. */
  readonly cpu: Readonly<Record<string, number>>;
  readonly idleShare: number;
}

export const watchedNamespace = "bench-watch";
const watchedPath = `/api/v1/namespaces/${watchedNamespace}/configmaps`;
const events = 10;
const betweenEventsMs = 500;
const settleMs = 2000;

/** Opens many watches at once, then changes what they watch, directly on the managed cluster. */
export async function watchFan(
  target: Target,
  count: number,
  processes: Processes,
  writer: ClusterApi,
): Promise<WatchResult> {
  await writeTicker(writer, "0");
  const before = memoryOf(processes);
  const end = measureUsage(processes);
  const client = fork(new URL("watch-client.ts", import.meta.url));
  client.send({ ...target, path: watchedPath, count } satisfies WatchOrder);
  const open = await nextReport(client, "open");
  await setTimeout(settleMs);
  const after = memoryOf(processes);
  for (let event = 0; event < events; event += 1) {
    await writeTicker(writer, String(performance.timeOrigin + performance.now()));
    await setTimeout(betweenEventsMs);
  }
  client.send("finish");
  const done = await nextReport(client, "done");
  const { cpu, idleShare } = end();
  const growth = Object.entries(after).map(
    ([name, bytes]) => [name, (bytes - (before[name] ?? 0)) / count] as const,
  );
  const { delayP50Ms, delayP99Ms, events: heard, lost } = done;
  const { establishMs } = open;
  return {
    establishMs,
    delayP50Ms,
    delayP99Ms,
    events: heard,
    lost,
    bytesPerWatch: Object.fromEntries(growth),
    cpu,
    idleShare,
  };
}

type Child = ReturnType<typeof fork>;

async function nextReport<Kind extends WatchReport["kind"]>(child: Child, kind: Kind) {
  const signal = AbortSignal.timeout(120_000);
  const [report] = (await once(child, "message", { signal })) as [WatchReport];
  if (report.kind !== kind) throw new Error(`The watch client said ${report.kind}`);
  return report as Extract<WatchReport, { kind: Kind }>;
}

async function writeTicker(writer: ClusterApi, sentAt: string): Promise<void> {
  const body = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "ticker" },
    data: { sentAt },
  };
  const { status } = await writer.send({ method: "PUT", path: `${watchedPath}/ticker`, body });
  if (status >= 300) throw new Error(`Cannot write the watched object: ${status}`);
}

function memoryOf(processes: Processes): Record<string, number> {
  return Object.fromEntries(
    Object.entries(processes).map(([name, pid]) => [name, residentBytes(pid)] as const),
  );
}
