import { once } from "node:events";
import type { Duplex } from "node:stream";
import { parseArgs } from "node:util";
import { createTunnelClient, fixedTls } from "#tunnel";
import { readPair } from "./pairs.ts";

/** What a frontend sees of a tunnel, with our client: the counterpart of konnectivity-bench. */
const { values } = parseArgs({
  options: {
    directory: { type: "string", default: "" },
    server: { type: "string", default: "" },
    target: { type: "string", default: "" },
    mode: { type: "string", default: "down" },
    seconds: { type: "string", default: "2" },
    count: { type: "string", default: "20" },
  },
});
const lengthMs = Number(values.seconds) * 1000;
const stop = new AbortController();
const client = createTunnelClient({
  servers: [values.server],
  tls: fixedTls(await readPair(values.directory, "frontend", "client")),
});
const running = client.run(stop.signal).catch(() => undefined);
while (client.reasonNotReady() !== undefined) await pause(10);
console.log(JSON.stringify(await measure()));
stop.abort();
await running;
process.exit();

async function measure(): Promise<unknown> {
  switch (values.mode) {
    case "down":
      return download();
    case "up":
      return upload();
    case "dial":
      return dials();
    default:
      return stall();
  }
}

/** Dials and tells the target what to do. */
async function command(wish: string): Promise<Duplex> {
  const [host = "", port = ""] = values.target.split(":");
  const connection = await client.dial(host, Number(port), new AbortController().signal);
  connection.on("error", () => undefined);
  connection.write(wish);
  return connection;
}

async function download(): Promise<unknown> {
  const connection = await command("d");
  let bytes = 0;
  connection.on("data", ({ length }: Buffer) => (bytes += length));
  const start = performance.now();
  await pause(lengthMs);
  return { bytes, seconds: (performance.now() - start) / 1000 };
}

async function upload(): Promise<unknown> {
  const connection = await command("u");
  const chunk = Buffer.alloc(32 * 1024);
  let bytes = 0;
  const start = performance.now();
  while (performance.now() - start < lengthMs) {
    while (connection.write(chunk)) bytes += chunk.length;
    bytes += chunk.length;
    await once(connection, "drain");
  }
  return { bytes, seconds: (performance.now() - start) / 1000 };
}

async function dials(): Promise<unknown> {
  const milliseconds: number[] = [];
  while (milliseconds.length < Number(values.count)) {
    const start = performance.now();
    const connection = await command("p");
    await once(connection, "data");
    milliseconds.push(performance.now() - start);
    connection.end().resume();
  }
  return { milliseconds };
}

/** Never reads what one connection gets, and measures round trips of another one. */
async function stall(): Promise<unknown> {
  const other = await command("p");
  await once(other, "data");
  const quiet = await rounds(other, 1000);
  await command("d");
  return { quiet, stalled: await rounds(other, lengthMs) };
}

async function rounds(connection: Duplex, forMs: number): Promise<number[]> {
  const times: number[] = [];
  const end = performance.now() + forMs;
  while (performance.now() < end) {
    const start = performance.now();
    connection.write("x");
    await once(connection, "data");
    times.push(performance.now() - start);
    await pause(5);
  }
  return times;
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
