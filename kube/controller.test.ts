import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { silentLogger, TerminalError } from "#runtime";
import { createController, type Trigger } from "./controller.ts";
import { type Outcome, recheckAfter, settled } from "./reconciler.ts";

/** A trigger that a test pulls. */
class HandTrigger implements Trigger {
  #enqueue: (key: string) => void = () => undefined;
  readonly synced = Promise.withResolvers<void>();
  isSubscribed = false;

  subscribe(enqueue: (key: string) => void): () => void {
    this.#enqueue = enqueue;
    this.isSubscribed = true;
    return () => void (this.isSubscribed = false);
  }

  async waitForSync(signal: AbortSignal): Promise<void> {
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason as Error));
    });
    await Promise.race([this.synced.promise, aborted]);
  }

  pull(key: string): void {
    this.#enqueue(key);
  }
}

interface Fixture {
  readonly trigger: HandTrigger;
  /** Keys in the order in which work on them began. */
  readonly begun: string[];
  readonly stop: () => void;
  /** Resolves once work has begun `count` times in all. */
  readonly begunTimes: (count: number) => Promise<void>;
}

async function withController(
  reconcile: (key: string, nth: number, signal: AbortSignal) => Promise<Outcome>,
  body: (fixture: Fixture) => Promise<void>,
): Promise<void> {
  const trigger = new HandTrigger();
  const begun: string[] = [];
  const waiting = new Map<number, () => void>();
  const stop = new AbortController();
  const controller = createController({
    reconciler: {
      name: "test",
      async reconcile(key, signal) {
        begun.push(key);
        waiting.get(begun.length)?.();
        return reconcile(key, begun.filter((other) => other === key).length, signal);
      },
    },
    triggers: [trigger],
    log: silentLogger,
    workers: 2,
    minBackoffMs: 1,
  });
  const running = controller.run(stop.signal);
  const begunTimes = async (count: number): Promise<void> => {
    if (begun.length >= count) return;
    await new Promise<void>((resolve) => waiting.set(count, resolve));
  };
  try {
    await body({ trigger, begun, stop: () => stop.abort(), begunTimes });
  } finally {
    stop.abort();
    await running;
    assert.equal(trigger.isSubscribed, false);
  }
}

describe("createController()", () => {
  it("works on nothing before its triggers are synced", async () => {
    await withController(
      async () => settled,
      async ({ trigger, begun, begunTimes }) => {
        trigger.pull("a");
        await new Promise(setImmediate);
        assert.deepEqual(begun, []);
        trigger.synced.resolve();
        await begunTimes(1);
      },
    );
  });

  it("ends cleanly when it is stopped before they are", async () => {
    await withController(
      async () => settled,
      async ({ stop }) => stop(),
    );
  });

  it("works on several keys at once, but on each one by one", async () => {
    const gates = new Map<string, () => void>();
    const reconcile = async (key: string): Promise<Outcome> => {
      await new Promise<void>((resolve) => gates.set(key, resolve));
      return settled;
    };
    await withController(reconcile, async ({ trigger, begun, begunTimes }) => {
      trigger.synced.resolve();
      for (const key of ["a", "b", "c"]) trigger.pull(key);
      await begunTimes(2);
      trigger.pull("a");
      await new Promise(setImmediate);
      assert.deepEqual(begun, ["a", "b"]);
      gates.get("b")?.();
      await begunTimes(3);
      assert.deepEqual(begun, ["a", "b", "c"]);
      gates.get("a")?.();
      await begunTimes(4);
      assert.deepEqual(begun, ["a", "b", "c", "a"]);
      gates.get("a")?.();
      gates.get("c")?.();
    });
  });

  it("tries again after a failure, and looks again when asked to", async () => {
    const reconcile = async (_key: string, nth: number): Promise<Outcome> => {
      if (nth < 3) throw new Error("not yet");
      return nth < 5 ? recheckAfter(1) : settled;
    };
    await withController(reconcile, async ({ trigger, begun, begunTimes }) => {
      trigger.synced.resolve();
      trigger.pull("a");
      await begunTimes(5);
      assert.equal(begun.length, 5);
    });
  });

  it("leaves a hopeless key alone until something changes", async () => {
    const reconcile = async (_key: string, nth: number): Promise<Outcome> => {
      if (nth === 1) throw new TerminalError("no");
      return settled;
    };
    await withController(reconcile, async ({ trigger, begun, begunTimes }) => {
      trigger.synced.resolve();
      trigger.pull("a");
      await begunTimes(1);
      await new Promise((resolve) => setTimeout(resolve, 10));
      assert.equal(begun.length, 1);
      trigger.pull("a");
      await begunTimes(2);
    });
  });

  it("waits for the work in progress when it is stopped", async () => {
    let isDone = false;
    const reconcile = async (_key: string, _nth: number, signal: AbortSignal): Promise<Outcome> => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      await new Promise(setImmediate);
      isDone = true;
      throw new Error("stopped");
    };
    await withController(reconcile, async ({ trigger, begunTimes }) => {
      trigger.synced.resolve();
      trigger.pull("a");
      await begunTimes(1);
    });
    assert.equal(isDone, true);
  });
});
