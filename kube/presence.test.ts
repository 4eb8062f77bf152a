import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KubeObject, Lease } from "#api";
import { silentLogger } from "#runtime";
import { ScriptedClient } from "#testing";
import { ApiError } from "./api-error.ts";
import type { KubeClient, ObjectKey } from "./client.ts";
import { createPresence, endedLeases } from "./presence.ts";

const nowMs = Date.parse("2026-01-01T00:01:00Z");

function lease(name: string, spec: Lease["spec"]): Lease {
  const metadata = { name, namespace: "n", resourceVersion: "7" };
  return { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, ...(spec && { spec }) };
}

const ended = { renewTime: "2026-01-01T00:00:30.000000Z", leaseDurationSeconds: 30 };
const valid = { renewTime: "2026-01-01T00:00:45.000000Z", leaseDurationSeconds: 30 };

describe("endedLeases()", () => {
  it("takes those whose time is over, and none that does not say", () => {
    const all = [
      lease("over", ended),
      lease("valid", valid),
      lease("mute", {}),
      lease("none", undefined),
    ];
    assert.deepEqual(
      endedLeases(all, nowMs).map(({ metadata }) => metadata.name),
      ["over"],
    );
  });
});

/** A server with some Leases, which writes down what is asked of it. */
function scripted(existing: readonly Lease[], hasOwn: boolean) {
  const calls: string[] = [];
  const client: Partial<KubeClient> = {
    mergePatch: async (_type, { name }) => {
      if (!hasOwn) throw new ApiError("not_found", "no such lease");
      calls.push(`renew ${name}`);
      return lease(name, valid) as never;
    },
    create: async (_type, object: KubeObject) => {
      calls.push(`create ${object.metadata.name}`);
      return object as never;
    },
    list: async (_type, { labelSelector }) => {
      calls.push(`list ${labelSelector}`);
      return { items: existing, resourceVersion: "1" } as never;
    },
    delete: async (_type, { name }: ObjectKey, _signal, { resourceVersion } = {}) => {
      calls.push(`delete ${name} ${resourceVersion}`);
      if (name === "raced") throw new ApiError("conflict", "it was renewed");
    },
  };
  return { calls, client: { ...new ScriptedClient().client, ...client } };
}

async function runOnce(client: KubeClient): Promise<number> {
  const stop = new AbortController();
  let culled = 0;
  const presence = createPresence(client, {
    name: "own",
    namespace: "n",
    labels: { a: "b" },
    holderIdentity: "me",
    log: silentLogger,
    onCulled: (count) => (culled += count),
    nowMs: () => nowMs,
    sleep: () => {
      stop.abort();
      return Promise.resolve();
    },
  });
  await presence.run(stop.signal);
  return culled;
}

describe("createPresence()", () => {
  it("makes its lease, removes those of servers that are gone, and its own at the end", async () => {
    const { calls, client } = scripted([lease("gone", ended), lease("other", valid)], false);
    assert.equal(await runOnce(client), 1);
    assert.deepEqual(calls, ["create own", "list a=b", "delete gone 7", "delete own undefined"]);
  });

  it("renews a lease that is there, and leaves one alone that was renewed in time", async () => {
    const { calls, client } = scripted([lease("raced", ended)], true);
    assert.equal(await runOnce(client), 0);
    assert.deepEqual(calls, ["renew own", "list a=b", "delete raced 7", "delete own undefined"]);
  });

  it("goes on when the server refuses", async () => {
    const { calls, client } = scripted([], true);
    const forbidden = () => Promise.reject(new ApiError("forbidden", "no"));
    assert.equal(await runOnce({ ...client, mergePatch: forbidden, list: forbidden }), 0);
    assert.deepEqual(calls, ["delete own undefined"]);
  });
});
