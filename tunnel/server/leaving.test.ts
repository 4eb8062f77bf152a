import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Runnable, sleep } from "#runtime";
import { leaveInOrder, noticeMs } from "./leaving.ts";

describe("leaveInOrder()", () => {
  async function ordered(graceMs: number): Promise<readonly string[]> {
    const order: string[] = [];
    const door = (name: string): Runnable => ({
      name,
      run: async (signal) => {
        await sleep(60_000, signal).catch(() => undefined);
        order.push(name);
      },
    });
    const stop = new AbortController();
    const running = leaveInOrder("server", {
      graceMs,
      announce: () => order.push("announce"),
      frontends: door("frontends"),
      agents: door("agents"),
      sleep: async (ms) => void order.push(`wait ${ms}`),
    }).run(stop.signal);
    stop.abort();
    await running;
    return order;
  }

  it("asks everybody to go, waits, and ends the agents' door last", async () => {
    assert.deepEqual(await ordered(10_000), ["announce", "wait 2000", "frontends", "agents"]);
  });

  it("ends at once where nothing may go on", async () => {
    assert.deepEqual(await ordered(0), ["frontends", "agents"]);
  });

  it("leaves half of a short time to connections", () => {
    assert.deepEqual([60_000, 1000].map(noticeMs), [2000, 500]);
  });
});
