import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { describe, it } from "node:test";
import { createMetrics } from "#runtime";
import { TunnelError } from "../tunnel-error.ts";
import { createClientMetrics } from "./client-metrics.ts";

function makeMetrics() {
  const registry = createMetrics();
  return { registry, metrics: createClientMetrics(registry) };
}

class Connection extends EventEmitter {
  readonly #answer = Promise.withResolvers<void>();
  readonly opened = this.#answer.promise;

  open(): void {
    this.#answer.resolve();
  }

  fail(): void {
    this.#answer.reject(new Error("No"));
    this.emit("close");
  }
}

describe("the metrics of a tunnel's client", () => {
  it("count connections while they are dialled, while they are open, and no longer", async () => {
    const { registry, metrics } = makeMetrics();
    const [one, two] = [new Connection(), new Connection()];
    const now = async () => {
      const text = await registry.text();
      return ["dialing", "ok"].map((status) =>
        Number(new RegExp(`client_connections\\{status="${status}"\\} (\\d+)`).exec(text)?.[1]),
      );
    };
    for (const connection of [one, two]) metrics.follow(connection);
    assert.deepEqual(await now(), [2, Number.NaN]);
    one.open();
    await one.opened;
    assert.deepEqual(await now(), [1, 1]);
    one.emit("close");
    two.fail();
    await two.opened.catch(() => undefined);
    assert.deepEqual(await now(), [0, 0]);
  });

  it("tell why dials failed in upstream's words", async () => {
    const { registry, metrics } = makeMetrics();
    metrics.dialFailed(new TunnelError("dial_refused", "refused"));
    metrics.dialFailed(new TunnelError("dial_timeout", "late"));
    metrics.dialFailed(new DOMException("gone", "AbortError"));
    const reasons = (await registry.text()).matchAll(/dial_failure_total\{reason="(\w+)"\} 1/g);
    assert.deepEqual(
      Array.from(reasons, ([, reason]) => reason),
      ["endpoint", "timeout", "context"],
    );
  });
});
