import { once } from "node:events";
import type { Duplex } from "node:stream";
import { parseArgs } from "node:util";
import { createTunnelClient, loadTlsFiles } from "#tunnel";
import type { Answer, Question } from "./frontend-process.ts";
import { wishes } from "./target.ts";

/** The program of a FrontendProcess: does what its parent asks for, and ends with it. */
const { values } = parseArgs({
  options: {
    ca: { type: "string", default: "" },
    cert: { type: "string", default: "" },
    key: { type: "string", default: "" },
    server: { type: "string", multiple: true, default: [] },
    "keepalive-ms": { type: "string" },
  },
});
const never = new AbortController().signal;
const host = "127.0.0.1";
const atOnce = 32;
const keepaliveMs = values["keepalive-ms"];
const tls = await loadTlsFiles({
  caFile: values.ca,
  certFile: values.cert,
  keyFile: values.key,
});
let certificateChanges = 0;
tls.onChange(() => (certificateChanges += 1));
const client = createTunnelClient({
  servers: values.server,
  tls,
  ...(keepaliveMs !== undefined && { keepaliveTimeMs: Number(keepaliveMs) }),
});

interface Held {
  readonly connection: Duplex;
  bytes: number;
  end: string | undefined;
}
const held: Held[] = [];

interface To {
  /** The target's port. */
  readonly port: number;
}

/** All that a parent can ask for. */
const commands = {
  /** Waits until a server is connected. */
  async connected() {
    while (client.reasonNotReady() !== undefined) await pause(20);
  },

  /** Dials that often, aborts every third one half-way, and counts how they ended. */
  async dials({ port, count }: To & { readonly count: number }) {
    const ends = { whole: 0, beforeAnswer: 0, afterAnswer: 0, midData: 0, failed: 0 };
    let firstFailure = "";
    let next = 0;
    const dialler = async () => {
      for (;;) {
        const index = next;
        if (index >= count) return;
        next += 1;
        try {
          ends[await dialOnce(port, index)] += 1;
        } catch (error) {
          ends.failed += 1;
          firstFailure ||= String(error);
        }
      }
    };
    await Promise.all(Array.from({ length: atOnce }, dialler));
    return { ...ends, firstFailure };
  },

  /** Opens connections whose target sends for ever, and reads nothing. */
  async stall({ port, count }: To & { readonly count: number }) {
    for (let index = 0; index < count; index += 1) {
      held.push(hold(await command(port, wishes.endless)));
    }
  },

  /** Opens one whose target sends for ever, and reads all, slowly enough to leave room to others. */
  async follow({ port }: To) {
    const one = hold(await command(port, wishes.endless));
    held.push(one);
    void readSlowly(one);
  },

  /** What has become of the connections that are held. */
  async held() {
    return held.map(({ bytes, end }) => ({ bytes, end }));
  },

  /** Lets go of them. */
  async release() {
    for (const { connection } of held.splice(0)) connection.destroy();
  },

  /** Round trips of one connection, for some time and at least that many, in milliseconds. */
  async roundTrips({ port, ...wanted }: To & { readonly forMs: number; readonly least: number }) {
    const connection = await command(port, wishes.echo);
    const times = await timeRoundTrips(connection, wanted);
    connection.destroy();
    const sorted = times.toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
    return { count: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), longestMs: at(1) };
  },

  /** Requests, some at once, each over a connection of its own; how many failed, and how. */
  async load({ port, forMs }: To & { readonly forMs: number }) {
    const failures: string[] = [];
    let good = 0;
    const end = performance.now() + forMs;
    const loader = async () => {
      while (performance.now() < end) {
        await request(port).then(
          () => (good += 1),
          (error: unknown) => failures.push(String(error)),
        );
        await pause(20);
      }
    };
    await Promise.all([loader(), loader(), loader(), loader()]);
    return { good, failures };
  },

  /** How often other certificates were found in the files. */
  async certificateChanges() {
    return certificateChanges;
  },

  /** One request. */
  async request({ port }: To) {
    await request(port);
  },
};

export type FrontendCommands = typeof commands;

async function dialOnce(port: number, index: number) {
  switch (index % 9) {
    case 0:
      return abortBeforeAnswer(port, index);
    case 3:
      (await client.dial(host, port, never)).on("error", () => undefined).destroy();
      return "afterAnswer";
    case 6: {
      const connection = await command(port, wishes.endless);
      await dataOf(connection);
      connection.destroy();
      return "midData";
    }
    default:
      await request(port);
      return "whole";
  }
}

/** A dial that is as good as answered may still succeed. */
async function abortBeforeAnswer(port: number, index: number): Promise<"beforeAnswer"> {
  const abort = new AbortController();
  const dial = client.dial(host, port, abort.signal);
  setTimeout(() => abort.abort(), index % 4);
  await dial.then(
    (connection) => connection.on("error", () => undefined).destroy(),
    (error: unknown) => {
      if (!abort.signal.aborted) throw error;
    },
  );
  return "beforeAnswer";
}

async function request(port: number): Promise<void> {
  const connection = await command(port, wishes.echo);
  const answer = await dataOf(connection);
  if (answer.toString() !== wishes.echo) throw new Error("The answer is another one");
  const closed = once(connection, "close");
  connection.end().resume();
  await closed;
}

/** Dials and tells the target what to do, with the dial as the gateway does it. */
async function command(port: number, wish: string): Promise<Duplex> {
  const connection = await client.dialEarly(host, port, never);
  // Whoever waits for something of it hears of it by its close.
  connection.on("error", () => undefined);
  connection.write(wish);
  return connection;
}

/** The next data of a connection. Throws what ended it. */
async function dataOf(connection: Duplex): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const closed = () => reject(connection.errored ?? new Error("Connection was closed"));
  connection.once("data", resolve).once("close", closed);
  try {
    if (connection.destroyed) closed();
    return await promise;
  } finally {
    connection.off("data", resolve).off("close", closed);
  }
}

function hold(connection: Duplex): Held {
  const one: Held = { connection, bytes: 0, end: undefined };
  connection.on("close", () => (one.end = String(connection.errored ?? "closed")));
  return one;
}

/** Some megabytes a second. */
async function readSlowly(one: Held): Promise<void> {
  while (one.end === undefined) {
    const chunk = one.connection.read() as Buffer | null;
    one.bytes += chunk?.length ?? 0;
    await pause(20);
  }
}

async function timeRoundTrips(
  connection: Duplex,
  { forMs, least }: { readonly forMs: number; readonly least: number },
): Promise<number[]> {
  const times: number[] = [];
  await dataOf(connection);
  const end = performance.now() + forMs;
  while (performance.now() < end || times.length < least) {
    const start = performance.now();
    connection.write("x");
    await dataOf(connection);
    times.push(performance.now() - start);
    await pause(5);
  }
  return times;
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

async function answer({ id, name, options }: Question): Promise<Answer> {
  try {
    const command = commands[name as keyof FrontendCommands] as (of: unknown) => Promise<unknown>;
    return { id, result: await command(options) };
  } catch (error) {
    return { id, error: String(error) };
  }
}

process.on("message", (question: Question) => {
  void answer(question).then((said) => process.send?.(said));
});
process.on("disconnect", () => process.exit());
await Promise.all([tls.run(never), client.run(never)]);
