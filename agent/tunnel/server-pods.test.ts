import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Pod } from "#api";
import { isRunning, orderPods } from "./server-pods.ts";

function makePod(name: string, overrides: Partial<Pod["status"]> = {}): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "hub" },
    status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }], ...overrides },
  };
}

describe("isRunning()", () => {
  const going = makePod("a");
  const cases: Readonly<Record<string, readonly [Pod, boolean]>> = {
    "counts a running pod": [makePod("a"), true],
    "leaves out a pod that has not started": [makePod("a", { phase: "Pending" }), false],
    "counts a pod that is not ready: it waits for its first agent": [
      makePod("a", { conditions: [{ type: "Ready", status: "False" }] }),
      true,
    ],
    "leaves out a pod that is being deleted": [
      { ...going, metadata: { ...going.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } },
      false,
    ],
  };
  for (const [name, [pod, want]] of Object.entries(cases)) {
    it(name, () => assert.equal(isRunning(pod), want));
  }
});

describe("orderPods()", () => {
  const pods = [makePod("c"), makePod("a"), makePod("b"), makePod("x", { phase: "Failed" })];
  const cases: readonly (readonly [last: string | undefined, want: readonly string[]])[] = [
    [undefined, ["a", "b", "c"]],
    ["a", ["b", "c", "a"]],
    ["c", ["a", "b", "c"]],
    ["aa", ["b", "c", "a"]],
  ];
  it("tries pods first whose servers are not connected yet", () => {
    assert.deepEqual(orderPods(pods, "a", ["b", "gone"]), ["c", "a", "b"]);
    assert.deepEqual(orderPods(pods, undefined, ["a", "b", "c"]), ["a", "b", "c"]);
  });

  for (const [last, want] of cases) {
    it(`begins after ${last ?? "none"}`, () => assert.deepEqual(orderPods(pods, last, []), want));
  }
});
