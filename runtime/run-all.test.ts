import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sleep } from "./abort.ts";
import { runAll } from "./run-all.ts";
import type { Runnable } from "./runnable.ts";

function untilAborted(name: string, ended: string[]): Runnable {
  return {
    name,
    async run(signal) {
      await sleep(60_000, signal).catch(() => undefined);
      ended.push(name);
    },
  };
}

describe("runAll()", () => {
  it("stops the others and names the one that failed", async () => {
    const ended: string[] = [];
    const failing: Runnable = {
      name: "lease",
      run: () => Promise.reject(new Error("no")),
    };
    await assert.rejects(
      runAll([untilAborted("a", ended), failing], new AbortController().signal),
      (error: Error) => error.message.includes("lease") && (error.cause as Error).message === "no",
    );
    assert.deepEqual(ended, ["a"]);
  });

  it("counts ending early as failing", async () => {
    const done: Runnable = { name: "watch", run: () => Promise.resolve() };
    await assert.rejects(runAll([done], new AbortController().signal), /watch ended before/);
  });

  it("resolves when it was asked to stop", async () => {
    const stop = new AbortController();
    const ended: string[] = [];
    const running = runAll([untilAborted("a", ended), untilAborted("b", ended)], stop.signal);
    stop.abort();
    await running;
    assert.deepEqual(ended.toSorted(), ["a", "b"]);
  });
});
