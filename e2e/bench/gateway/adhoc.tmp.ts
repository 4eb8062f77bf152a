import { setTimeout } from "node:timers/promises";
import { residentBytes } from "../process-usage.ts";
import { BenchBed } from "./bench-bed.ts";
import { load, send } from "./load.ts";
import { listPath, smallPath } from "./load-data.ts";

await using bench = await BenchBed.start();
console.log("up");
const run = async (name: any, c: number, s: number, path = smallPath) => {
  const r = await load(bench.target(name), bench.processes, {
    path,
    concurrency: c,
    seconds: s,
    warmUpSeconds: 1,
    directory: bench.directory,
  });
  console.log(
    name,
    c,
    path === smallPath ? "get" : "list",
    r.requestsPerSecond.toFixed(0),
    "p50",
    r.p50Ms.toFixed(2),
    Object.entries(r.cpuMs)
      .map(([n, m]) => `${n} ${m.toFixed(3)}`)
      .join(" "),
    "MB/s",
    (r.bytesPerSecond / 1e6).toFixed(1),
    "rss",
    (residentBytes(bench.ours.gateway!) / 1e6).toFixed(0),
    "idle",
    r.idleShare.toFixed(2),
  );
};
const mem = async (n: number) => {
  await send(bench.target("door"), smallPath, n);
  await setTimeout(1500);
  console.log("mem", n, (residentBytes(bench.ours.gateway!) / 1e6).toFixed(1));
};
if (process.env["WHAT"]?.includes("mem")) {
  for (const n of [16, 984, 2000, 3000, 4000, 10000, 10000]) await mem(n);
}
if (process.env["WHAT"]?.includes("get"))
  for (let i = 0; i < 2; i++) {
    for (const n of ["direct", "door"] as const) await run(n, 16, 5);
  }
if (process.env["WHAT"]?.includes("list"))
  for (const n of ["direct", "door", "direct", "door"] as const) await run(n, 1, 4, listPath);

import { readFileSync } from "node:fs";

if (process.env["TAIL"]) {
  const l = readFileSync(bench.directory + "/logs/gateway.log", "utf8").split("\n");
  const m = l.filter((x) => /Mark-Compact/.test(x));
  console.log(m.slice(-8).join("\n"));
  console.log(l.slice(-4).join("\n"));
}
