import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Front } from "#proxy";
import { listenOnceStarted } from "./start-up.ts";

describe("listenOnceStarted()", () => {
  const never = new AbortController().signal;
  const listening = (looks: number, startUpMs?: number) => {
    let asked = 0;
    let ranAfter = -1;
    const front: Front = {
      name: "front",
      port: Promise.resolve(1),
      secure: () => undefined,
      run() {
        ranAfter = asked;
        return Promise.resolve();
      },
    };
    const reasonNotStarted = () => {
      asked += 1;
      return asked > looks ? undefined : "no cache";
    };
    const waiting = listenOnceStarted(front, { reasonNotStarted, startUpMs });
    return { run: (signal = never) => waiting.run(signal), ranAfter: () => ranAfter };
  };

  it("listens as soon as there is what it needs", async () => {
    const started = listening(2, 60_000);
    await started.run();
    assert.equal(started.ranAfter(), 3);
  });

  it("listens after a while without it", async () => {
    const started = listening(Number.POSITIVE_INFINITY, 50);
    await started.run();
    assert.equal(started.ranAfter(), 2);
  });

  it("waits for nothing unless it is told to, nor when it is to end", async () => {
    const atOnce = listening(5);
    await atOnce.run();
    assert.equal(atOnce.ranAfter(), 0);
    const ending = listening(5, 60_000);
    await ending.run(AbortSignal.abort());
    assert.equal(ending.ranAfter(), 0);
  });
});
