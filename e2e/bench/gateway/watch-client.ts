import { connect } from "node:http2";
import { setTimeout } from "node:timers/promises";
import { median, quantile } from "../report.ts";
import type { WatchOrder, WatchReport } from "./watch-fan.ts";

/*
 * A process of its own that holds many watches. It hears its order from its parent, says when all
 * watches have had their first event, and, when it is told to, what the later events cost.
 */
const inParallel = 64;
const perConnection = 50;

/** Now, in milliseconds that other processes of this machine count as well. */
const now = () => performance.timeOrigin + performance.now();

async function hold({ url, token, path, count }: WatchOrder): Promise<void> {
  const { origin, pathname } = new URL(url + path);
  const delays: number[] = [];
  let lost = 0;
  // The clusters live for minutes and their addresses are this machine's.
  const sessions = Array.from({ length: Math.ceil(count / perConnection) }, () =>
    connect(origin, { rejectUnauthorized: false }),
  );
  for (const session of sessions) session.on("error", () => undefined);
  const open = async (index: number): Promise<void> => {
    const first = Promise.withResolvers<void>();
    const stream = sessions[index % sessions.length]?.request({
      ":path": `${pathname}?watch=true`,
      authorization: `Bearer ${token}`,
    });
    let rest = "";
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const sentAt = Number(/"sentAt":"([\d.]+)"/.exec(line)?.[1] ?? Number.NaN);
        if (sentAt > 0) delays.push(now() - sentAt);
        if (sentAt >= 0) first.resolve();
      }
    });
    stream?.on("error", () => undefined);
    stream?.once("close", () => {
      lost += 1;
      first.resolve();
    });
    await first.promise;
  };
  const beganAt = performance.now();
  let next = 0;
  const worker = async () => {
    while (next < count) await open(next++);
  };
  await Promise.all(Array.from({ length: inParallel }, worker));
  tell({ kind: "open", establishMs: performance.now() - beganAt, lost });
  process.once("message", async () => {
    await setTimeout(500);
    tell({
      kind: "done",
      delayP50Ms: median(delays),
      delayP99Ms: quantile(delays, 0.99),
      events: delays.length,
      lost,
    });
    for (const session of sessions) session.destroy();
    process.disconnect?.();
  });
}

function tell(report: WatchReport): void {
  process.send?.(report);
}

process.once("message", (order: WatchOrder) => void hold(order));
