/** What a tunnel keeps of connections that were abandoned, and what readers that have stopped cost. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { isTorture, waitFor } from "#bed";
import { holdsAsMuch, type ProcessState } from "./process-state.ts";
import { type ByPart, parts, TunnelStack } from "./stack.ts";

const dials = isTorture ? { before: 20_000, counted: 100_000 } : { before: 1500, counted: 4000 };
/** How long a connection is measured beside nothing, and beside readers that have stopped. */
const ms = isTorture ? { quiet: 20_000, beside: 60_000 } : { quiet: 1000, beside: 4000 };
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
    const quiet = await frontend.call("roundTrips", { port, forMs: ms.quiet });
    const was = await stack.state();
    await frontend.call("stall", { port, count: readers });
    await waitFor("all of them to be open", async () => target.connections >= readers);
    const beside = await frontend.call("roundTrips", { port, forMs: ms.beside });
    const now = await stack.state();
    const held = await frontend.call("held");
    t.diagnostic(`quiet: ${JSON.stringify(quiet)} beside: ${JSON.stringify(beside)}`);
    t.diagnostic(`before: ${JSON.stringify(was)} now: ${JSON.stringify(now)}`);
    // A stream that is held up by such a reader gets no further at all.
    assert.ok(beside.longestMs < 5000, `The longest round trip took ${beside.longestMs} ms`);
    assert.ok(beside.count > 50, `There were ${beside.count} round trips`);
    if (isTorture) assert.ok(beside.p99Ms <= 2 * quiet.p99Ms, "p99 is within twice the quiet one");
    for (const part of parts) {
      const grownBytes = now[part].residentBytes - was[part].residentBytes;
      assert.ok(grownBytes < limitBytes, `The ${part} grew by ${grownBytes / mebibyte} MiB`);
    }
    assert.deepEqual(new Set(held.map(({ end }) => end)), new Set([undefined]), "none was cut");
    await frontend.call("release");
    await isAsBefore(was);
  });
});
