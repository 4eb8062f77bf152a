import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { describe, it } from "node:test";
import { type KubeObject, secrets } from "#api";
import type { KubeClient, ListOptions } from "#kube";
import { silentLogger } from "#runtime";
import { createFollowingTrigger } from "./following-trigger.ts";

/** Answers lists with one object named after the selector, and keeps watches open. */
function makeClient(asked: ListOptions[]): KubeClient {
  const client = {
    async list(_type: unknown, options: ListOptions) {
      asked.push(options);
      const name = options.fieldSelector?.replace("metadata.name=", "") ?? "any";
      const object: KubeObject = { metadata: { name, namespace: options.namespace } };
      return { items: [object], resourceVersion: "1" };
    },
    async watch(_type: unknown, _options: unknown, signal: AbortSignal) {
      const stream = new PassThrough();
      signal.addEventListener("abort", () => stream.destroy());
      return stream;
    },
  };
  return client as unknown as KubeClient;
}

describe("createFollowingTrigger()", () => {
  it("tells of what is followed, from when it is named", async () => {
    const asked: ListOptions[] = [];
    const trigger = createFollowingTrigger(
      makeClient(asked),
      "test",
      ({ metadata }) => [`${metadata.namespace}/${metadata.name}`],
      silentLogger,
    );
    const stop = new AbortController();
    const told: string[] = [];
    trigger.subscribe((key) => told.push(key));
    trigger.follow([{ type: secrets, namespace: "a", name: "x" }]);
    const running = trigger.run(stop.signal);
    await untilLength(told, 1);
    trigger.follow([
      { type: secrets, namespace: "a", name: "x" },
      { type: secrets, namespace: "b" },
    ]);
    await untilLength(told, 2);
    assert.deepEqual(told, ["a/x", "b/any"]);
    assert.equal(asked.length, 2, "what was followed already is not asked for again");
    stop.abort();
    await running;
  });

  it("stops the watches that are no longer wanted, and all of them at its end", async () => {
    const signals: AbortSignal[] = [];
    const client = makeClient([]);
    const watching = {
      ...client,
      async watch(...[type, options, signal]: Parameters<KubeClient["watch"]>) {
        signals.push(signal);
        return client.watch(type, options, signal);
      },
    };
    const trigger = createFollowingTrigger(watching, "test", () => [], silentLogger);
    const stop = new AbortController();
    const running = trigger.run(stop.signal);
    trigger.follow([{ type: secrets, namespace: "a" }]);
    await untilLength(signals, 1);
    trigger.follow([{ type: secrets, namespace: "b" }]);
    await untilLength(signals, 2);
    assert.deepEqual(
      signals.map(({ aborted }) => aborted),
      [true, false],
    );
    stop.abort();
    await running;
    assert.ok(signals.every(({ aborted }) => aborted));
  });
});

async function untilLength(list: readonly unknown[], length: number): Promise<void> {
  for (let turn = 0; turn < 1_000 && list.length < length; turn += 1) {
    await new Promise(setImmediate);
  }
  assert.equal(list.length, length);
}
