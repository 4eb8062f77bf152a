/** What a tunnel keeps of connections that were abandoned, and what readers that have stopped cost. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { isTorture, waitFor } from "#bed";
import { holdsAsMuch, type ProcessState } from "./process-state.ts";
import { type ByPart, parts, TunnelStack } from "./stack.ts";

const dials = isTorture ? { before: 20_000, counted: 100_000 } : { before: 1500, counted: 4000 };
/** How long and how often a connection is measured beside readers that have stopped. */
const beside = isTorture ? { forMs: 60_000, least: 1000 } : { forMs: 2000, least: 100 };
const readers = 50;
const mebibyte = 1024 * 1024;
/**
 * What one session's streams may have waiting at their receiver (`tunnel/rpc/stream-windows.ts`), what
 * each may have waiting at its sender (`raw-stream.ts`) and as much again for Node's own buffers.
 */
const limitBytes = 2 * (64 + readers / 2) * mebibyte;

describe("a tunnel of separate processes", { timeout: 1_500_000 }, () => {
  let stack: TunnelStack;
  before(async () => {
    stack = await TunnelStack.start();
  });
  after(() => stack[Symbol.asyncDispose]());

  async function nothingIsOpen(): Promise<void> {
    const isClosed = async () => (await stack.openConnections()) === 0;
    await waitFor("all connections to be closed", isClosed);
  }

  /** Waits until nothing is open and every process holds what it held before. */
  async function isAsBefore(was: ByPart<ProcessState>): Promise<ByPart<ProcessState>> {
    let now = was;
    const settled = async () => {
      if ((await stack.openConnections()) > 0) return false;
      now = await stack.state();
      return parts.every((part) => holdsAsMuch(was[part], now[part]));
    };
    await waitFor("the processes to hold what they held before", settled, {
      limitMs: 90_000,
      everyMs: 1000,
    }).catch((cause: unknown) => {
      throw new Error(`Before: ${JSON.stringify(was)}; now: ${JSON.stringify(now)}`, { cause });
    });
    return now;
  }

  it("keeps nothing of thousands of dials, a third of them aborted half-way", async (t) => {
    const { frontend, target } = stack;
    // What Node compiles and caches belongs to a process that has been at work.
    await frontend.call("dials", { port: target.port, count: dials.before });
    await nothingIsOpen();
    const was = await stack.state();
    const ends = await frontend.call("dials", { port: target.port, count: dials.counted });
    assert.equal(ends.failed, 0, ends.firstFailure);
    assert.ok(ends.whole >= (dials.counted * 2) / 3 - 1);
    const now = await isAsBefore(was);
    t.diagnostic(
      `${JSON.stringify(ends)} before: ${JSON.stringify(was)} now: ${JSON.stringify(now)}`,
    );
  });

  it("lets readers that have stopped neither hold up another one nor fill the memory", async (t) => {
    const { frontend, target } = stack;
    const { port } = target;
    // A tunnel without such readers, at the same time: what the machine does, it does to both.
    await using other = isTorture ? await TunnelStack.start() : undefined;
    await frontend.call("roundTrips", { port, forMs: 0, least: 50 });
    const was = await stack.state();
    await frontend.call("stall", { port, count: readers });
    await waitFor("all of them to be open", async () => {
      if (target.connections >= readers) return true;
      throw new Error(JSON.stringify([target.connections, await frontend.call("held")]));
    });
    // A stream that such a reader holds up gets no further at all.
    const measuring = [stack, ...(other === undefined ? [] : [other])].map(async (one) =>
      one.frontend.call("roundTrips", { port: one.target.port, ...beside }),
    );
    const [crowded, quiet] = await Promise.all(measuring);
    const now = await stack.state();
    const held = await frontend.call("held");
    t.diagnostic(`quiet: ${JSON.stringify(quiet)} crowded: ${JSON.stringify(crowded)}`);
    t.diagnostic(`before: ${JSON.stringify(was)} now: ${JSON.stringify(now)}`);
    if (crowded !== undefined && quiet !== undefined) {
      assert.ok(crowded.p99Ms <= 2 * quiet.p99Ms, "p99 is within twice the quiet one");
    }
    for (const part of parts) {
      const grownBytes = now[part].residentBytes - was[part].residentBytes;
      assert.ok(grownBytes < limitBytes, `The ${part} grew by ${grownBytes / mebibyte} MiB`);
    }
    assert.deepEqual(new Set(held.map(({ end }) => end)), new Set([undefined]), "none was cut");
    await frontend.call("release");
    await isAsBefore(was);
  });
});
