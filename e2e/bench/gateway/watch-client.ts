import { readFileSync } from "node:fs";
import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from "node:http2";
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

/** What all watches heard. */
class Heard {
  readonly delaysMs: number[] = [];
  lost = 0;
}

/** Opens one watch and resolves with its first event, or when it is lost. */
function watch(session: ClientHttp2Session, headers: OutgoingHttpHeaders, heard: Heard) {
  const first = Promise.withResolvers<void>();
  const stream = session.request(headers);
  let rest = "";
  stream.setEncoding("utf8").on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const sentAt = Number(/"sentAt":"([\d.]+)"/.exec(line)?.[1] ?? Number.NaN);
      if (sentAt > 0) heard.delaysMs.push(now() - sentAt);
      if (sentAt >= 0) first.resolve();
    }
  });
  stream.on("error", () => undefined);
  stream.once("close", () => {
    heard.lost += 1;
    first.resolve();
  });
  return first.promise;
}

async function hold({ url, token, caFile, path, count }: WatchOrder): Promise<void> {
  const { origin, pathname } = new URL(url + path);
  const ca = readFileSync(caFile);
  const headers = { ":path": `${pathname}?watch=true`, authorization: `Bearer ${token}` };
  const sessions = Array.from({ length: Math.ceil(count / perConnection) }, () => {
    return connect(origin, { ca }).on("error", () => undefined);
  });
  const heard = new Heard();
  const beganAt = performance.now();
  let next = 0;
  const worker = async () => {
    for (;;) {
      const session = sessions[next % sessions.length];
      if (next >= count || session === undefined) return;
      next += 1;
      await watch(session, headers, heard);
    }
  };
  await Promise.all(Array.from({ length: inParallel }, worker));
  const establishMs = performance.now() - beganAt;
  process.once("message", () => void finish(sessions, heard));
  tell({ kind: "open", establishMs, lost: heard.lost });
}

async function finish(sessions: readonly ClientHttp2Session[], heard: Heard): Promise<void> {
  await setTimeout(500);
  const { delaysMs, lost } = heard;
  const delays = { delayP50Ms: median(delaysMs), delayP99Ms: quantile(delaysMs, 0.99) };
  tell({ kind: "done", ...delays, events: delaysMs.length, lost });
  for (const session of sessions) session.destroy();
  process.disconnect?.();
}

function tell(report: WatchReport): void {
  process.send?.(report);
}

process.once("message", (order: WatchOrder) => void hold(order));
