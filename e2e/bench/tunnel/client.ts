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
const never = new AbortController().signal;
const stop = new AbortController();
const client = createTunnelClient({
  servers: [values.server],
  tls: fixedTls(await readPair(values.directory, "frontend", "client")),
});
const running = client.run(stop.signal).catch(() => undefined);
while (client.reasonNotReady() !== undefined) await pause(10);
const measured = `${JSON.stringify(await measure())}\n`;
// All of it must be in the pipe before the process ends.
await new Promise((resolve) => process.stdout.write(measured, resolve));
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
      return dials(Number(values.count));
    case "load":
      return load();
    case "slow":
      return beside(readSlowly);
    default:
      return beside(() => undefined);
  }
}

/** Dials and tells the target what to do. */
async function command(wish: string): Promise<Duplex> {
  const [host = "", port = ""] = values.target.split(":");
  const connection = await client.dialEarly(host, Number(port), never);
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

/** The second half counts: a gateway runs for months, and what it runs often is compiled. */
async function dials(count: number): Promise<unknown> {
  const milliseconds: number[] = [];
  while (milliseconds.length < 2 * count) {
    const start = performance.now();
    (await makeRound()).destroy();
    milliseconds.push(performance.now() - start);
  }
  return { milliseconds: milliseconds.slice(count) };
}

/** A request as far as a tunnel knows: a dial, a byte there and back. */
async function makeRound(): Promise<Duplex> {
  const connection = await command("p");
  const closed = once(connection, "close").then(() => {
    throw new Error("Connection was closed before the answer");
  });
  await Promise.race([once(connection, "data"), closed]);
  closed.catch(() => undefined);
  return connection;
}

/**
 * Makes rounds as fast as they come, several at once, and tells how each one ended. As our gateway
 * does with a GET, one whose connection dies is sent once more; Go's gateway does not.
 */
async function load(): Promise<unknown> {
  const startedAt = Date.now();
  const rounds: { at: number; ok: boolean }[] = [];
  const loader = async () => {
    while (Date.now() < startedAt + lengthMs) {
      const connection = await makeRound()
        .catch(makeRound)
        .catch(() => undefined);
      rounds.push({ at: Date.now() - startedAt, ok: connection !== undefined });
      connection?.destroy();
      if (connection === undefined) await pause(10);
    }
  };
  await Promise.all(Array.from({ length: 16 }, loader));
  return { startedAt, rounds };
}

/** Measures round trips of one connection while nothing else is done, and beside a download. */
async function beside(read: (download: Duplex) => void): Promise<unknown> {
  const other = await command("p");
  await once(other, "data");
  const quiet = await roundTrips(other, 1000);
  read(await command("d"));
  return { quiet, stalled: await roundTrips(other, lengthMs) };
}

/** Takes one megabyte a second. */
function readSlowly(download: Duplex): void {
  let taken = 0;
  const start = performance.now();
  setInterval(() => {
    const due = (performance.now() - start) * 1000;
    while (taken < due) {
      const chunk = download.read() as Buffer | null;
      if (chunk === null) return;
      taken += chunk.length;
    }
  }, 10);
}

async function roundTrips(connection: Duplex, forMs: number): Promise<number[]> {
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
