import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Lease } from "#api";
import { silentLogger } from "#runtime";
import { eventually, ScriptedClient } from "#testing";
import { createLiveHolders, holdersOf, nextEndMs } from "./live-holders.ts";

const nowMs = Date.parse("2026-01-01T00:01:00Z");

function lease(holderIdentity: string, secondsLeft: number): Lease {
  const renewTime = new Date(nowMs + secondsLeft * 1000 - 30_000).toISOString();
  const metadata = { name: holderIdentity, namespace: "n", resourceVersion: "1" };
  const spec = { holderIdentity, renewTime, leaseDurationSeconds: 30 };
  return { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec };
}

describe("holdersOf()", () => {
  it("names those whose Leases are valid, each once and in order", () => {
    const all = [lease("b", 5), lease("a", 1), lease("gone", 0), lease("b", 3)];
    assert.deepEqual(holdersOf(all, nowMs), ["a", "b"]);
  });
});

describe("nextEndMs()", () => {
  it("is the end of the Lease that ends first among those that are valid", () => {
    assert.equal(nextEndMs([lease("a", 5), lease("b", 2), lease("c", -9)], nowMs), nowMs + 2000);
    assert.equal(nextEndMs([lease("c", -9)], nowMs), undefined);
  });
});

describe("createLiveHolders()", () => {
  it("tells of Leases that come, go, and end without a word", async () => {
    const scripted = new ScriptedClient();
    scripted.lists.push({ items: [lease("a", 0.01)], resourceVersion: "1" });
    let clockMs = nowMs;
    const holders = createLiveHolders(scripted.client, {
      namespace: "n",
      labelSelector: "",
      log: silentLogger,
      nowMs: () => clockMs,
    });
    const heard: (readonly string[] | undefined)[] = [];
    holders.onChange(() => heard.push(holders.current));
    assert.equal(holders.current, undefined);
    const stop = new AbortController();
    const ended = holders.run(stop.signal).catch(() => undefined);
    await eventually(() => heard.length === 1, "the Lease is known");
    clockMs += 10;
    await eventually(() => heard.length === 2, "the Lease has ended");
    await eventually(() => scripted.watches.length > 0, "it watches");
    const [watch] = scripted.watches;
    watch?.tell("ADDED", lease("b", 20));
    await eventually(() => heard.length === 3, "another has come");
    watch?.tell("DELETED", lease("b", 20));
    await eventually(() => heard.length === 4, "it is gone");
    assert.deepEqual(heard, [["a"], [], ["b"], []]);
    stop.abort();
    await ended;
  });
});
