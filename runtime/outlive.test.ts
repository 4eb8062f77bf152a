import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sleep } from "./abort.ts";
import { outlive } from "./outlive.ts";
import type { Runnable } from "./runnable.ts";

function untilAborted(name: string, ended: string[], windDown = Promise.resolve()): Runnable {
  return {
    name,
    async run(signal) {
      await sleep(60_000, signal).catch(() => undefined);
      await windDown;
      ended.push(name);
    },
  };
}

describe("outlive()", () => {
  it("ends the support only after what it supports", async () => {
    const ended: string[] = [];
    const stop = new AbortController();
    const windDown = Promise.withResolvers<void>();
    const main = untilAborted("main", ended, windDown.promise);
    const running = outlive([untilAborted("support", ended)], main).run(stop.signal);
    stop.abort();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(ended, []);
    windDown.resolve();
    await running;
    assert.deepEqual(ended, ["main", "support"]);
  });

  it("ends with the failure of the support", async () => {
    const ended: string[] = [];
    const failing: Runnable = { name: "cache", run: () => Promise.reject(new Error("no")) };
    const main = untilAborted("main", ended);
    await assert.rejects(outlive([failing], main).run(new AbortController().signal), /cache/);
    assert.deepEqual(ended, ["main"]);
  });
});
