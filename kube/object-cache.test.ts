import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { configMaps, type KubeObject, type ResourceType } from "#api";
import { silentLogger } from "#runtime";
import { ScriptedClient } from "#testing";
import { ApiError } from "./api-error.ts";
import { type CacheChange, createObjectCache, type ObjectCache } from "./object-cache.ts";

function makeObject(name: string, resourceVersion: string, extra: object = {}): KubeObject {
  return { metadata: { name, namespace: "ns", resourceVersion }, ...extra };
}

interface Fixture {
  readonly server: ScriptedClient;
  readonly cache: ObjectCache<KubeObject>;
  readonly changes: string[];
  /** How long the cache paused, in ms; it does not really wait. */
  readonly pauses: number[];
  /** The cache's fault at each pause. */
  readonly faults: (string | undefined)[];
  /** Resolves after the next change. */
  readonly changed: () => Promise<CacheChange<KubeObject>>;
}

/** Runs a cache over a scripted server for as long as `body` takes. */
async function withCache(
  lists: ScriptedClient["lists"],
  body: (fixture: Fixture) => Promise<void>,
  {
    type = configMaps,
    longestPauseMs = 30_000,
  }: { readonly type?: ResourceType; readonly longestPauseMs?: number } = {},
): Promise<void> {
  const server = new ScriptedClient();
  server.lists.push(...lists);
  const pauses: number[] = [];
  const faults: (string | undefined)[] = [];
  const sleep = async (ms: number, signal: AbortSignal): Promise<void> => {
    pauses.push(ms);
    faults.push(cache.fault);
    await new Promise(setImmediate);
    signal.throwIfAborted();
  };
  const cache: ObjectCache<KubeObject> = createObjectCache(server.client, type, {
    log: silentLogger,
    sleep,
    longestPauseMs,
  });
  const changes: string[] = [];
  cache.onChange(({ key, before, after }) => {
    changes.push(
      `${key} ${before === undefined ? "new" : "old"} ${after === undefined ? "gone" : "there"}`,
    );
  });
  const changed = () =>
    new Promise<CacheChange<KubeObject>>((resolve) => {
      const stop = cache.onChange((change) => {
        stop();
        resolve(change);
      });
    });
  const stop = new AbortController();
  const running = cache.run(stop.signal);
  try {
    await body({ server, cache, changes, pauses, faults, changed });
  } finally {
    stop.abort();
    await running;
  }
}

const { signal } = new AbortController();

describe("createObjectCache()", () => {
  it("lists, then follows the watch from there", async () => {
    const lists = [{ items: [makeObject("a", "1")], resourceVersion: "5" }];
    await withCache(lists, async ({ server, cache, changes, changed }) => {
      await cache.waitForSync(signal);
      const watch = await server.watch(0);
      assert.equal(watch.resourceVersion, "5");
      for (const [type, object] of [
        ["ADDED", makeObject("b", "6")],
        ["MODIFIED", makeObject("a", "7")],
        ["DELETED", makeObject("a", "8")],
      ] as const) {
        const next = changed();
        watch.tell(type, object);
        await next;
      }
      assert.deepEqual(
        cache.list().map(({ metadata }) => metadata.name),
        ["b"],
      );
      assert.equal(cache.resourceVersion, "8");
      const want = ["a new there", "b new there", "a old there", "a old gone"];
      assert.deepEqual(
        changes,
        want.map((change) => `ns/${change}`),
      );
    });
  });

  it("goes on where a watch ended, cleanly or not, without listing again", async () => {
    const lists = [{ items: [], resourceVersion: "5" }];
    await withCache(lists, async ({ server, changed }) => {
      let next = changed();
      (await server.watch(0)).tell("ADDED", makeObject("a", "6"));
      await next;
      (await server.watch(0)).end();
      next = changed();
      const second = await server.watch(1);
      assert.equal(second.resourceVersion, "6");
      second.tell("MODIFIED", makeObject("a", "9"));
      await next;
      second.fail(new Error("ECONNRESET"));
      assert.equal((await server.watch(2)).resourceVersion, "9");
      assert.equal(server.listCount, 1);
    });
  });

  it("goes on from a bookmark", async () => {
    const lists = [{ items: [], resourceVersion: "5" }];
    await withCache(lists, async ({ server, cache }) => {
      const watch = await server.watch(0);
      watch.tell("BOOKMARK", { metadata: { resourceVersion: "50" } });
      watch.end();
      assert.equal((await server.watch(1)).resourceVersion, "50");
      assert.equal(cache.resourceVersion, "50");
    });
  });

  const tooOld = { kind: "Status", code: 410, reason: "Expired", message: "too old" };
  for (const [name, play] of Object.entries({
    "an ERROR line": (server: ScriptedClient) => server.watches[0]?.tell("ERROR", tooOld),
    "a line that cannot be read": (server: ScriptedClient) => server.watches[0]?.write("{\n"),
  })) {
    it(`lists again after ${name}, and tells what went meanwhile`, async () => {
      const lists = [
        { items: [makeObject("a", "1"), makeObject("b", "1")], resourceVersion: "5" },
        { items: [makeObject("b", "1")], resourceVersion: "9" },
      ];
      await withCache(lists, async ({ server, cache, changed }) => {
        await server.watch(0);
        const next = changed();
        play(server);
        const { key, after } = await next;
        assert.deepEqual([key, after], ["ns/a", undefined]);
        assert.equal((await server.watch(1)).resourceVersion, "9");
        assert.equal(cache.list().length, 1);
      });
    });
  }

  it("lists again when the server refuses to watch from so far back", async () => {
    const lists = [{ items: [], resourceVersion: "5" }];
    await withCache(lists, async ({ server }) => {
      server.refusals.push(new ApiError("expired", "too old"));
      (await server.watch(0)).end();
      await server.watch(1);
      assert.equal(server.listCount, 2);
    });
  });

  it("waits longer and longer while the server ends every watch at once", async () => {
    const lists = [{ items: [], resourceVersion: "5" }];
    await withCache(lists, async ({ server, pauses }) => {
      for (let n = 0; n < 6; n += 1) (await server.watch(n)).end();
      await server.watch(6);
      assert.equal(pauses.length, 6);
      assert.ok((pauses.at(-1) ?? 0) > 10 * (pauses[0] ?? 0));
    });
  });

  it("waits longer and longer while the server cannot be reached", async () => {
    const down = new ApiError("unreachable", "no route");
    const lists = [down, down, down, down, { items: [], resourceVersion: "5" }];
    await withCache(lists, async ({ server, cache, pauses }) => {
      assert.equal(cache.isSynced, false);
      await server.watch(0);
      assert.equal(cache.isSynced, true);
      assert.equal(pauses.length, 4);
      assert.ok((pauses.at(-1) ?? 0) > 4 * (pauses[0] ?? 0));
    });
  });

  it("waits no longer than it was told to", async () => {
    const errors = Array.from({ length: 8 }, () => new ApiError("unreachable", "down"));
    const lists = [...errors, { items: [], resourceVersion: "1" }];
    const options = { longestPauseMs: 400 };
    const play = async ({ server, pauses }: Fixture): Promise<void> => {
      await server.watch(0);
      assert.equal(pauses.length, 8);
      assert.ok(Math.max(...pauses) <= 400, pauses.join());
    };
    await withCache(lists, play, options);
  });

  it("says what is wrong for as long as it is", async () => {
    const lists = [new ApiError("unreachable", "no route"), { items: [], resourceVersion: "5" }];
    await withCache(lists, async ({ server, cache, faults }) => {
      let recoveries = 0;
      cache.onRecovery(() => void (recoveries += 1));
      server.refusals.push(new ApiError("forbidden", "no right"));
      await server.watch(0);
      await new Promise(setImmediate);
      assert.deepEqual(faults, ["no route", "no right"]);
      assert.equal(cache.fault, undefined);
      assert.equal(recoveries, 1);
    });
  });

  it("keeps the last good state of an object that cannot be read, and the others", async () => {
    const picky: ResourceType = {
      ...configMaps,
      parse(input) {
        const object = input as KubeObject & { readonly bad?: boolean };
        if (object.bad === true) throw new Error("bad");
        return object;
      },
    };
    const lists = [
      { items: [makeObject("a", "1"), makeObject("z", "1", { bad: true })], resourceVersion: "5" },
      { items: [makeObject("a", "7", { bad: true })], resourceVersion: "9" },
    ];
    const play = async ({ server, cache, changed }: Fixture): Promise<void> => {
      const watch = await server.watch(0);
      const next = changed();
      watch.tell("MODIFIED", makeObject("a", "6", { bad: true }));
      watch.tell("ADDED", makeObject("b", "7"));
      await next;
      assert.equal(cache.get("ns/a")?.metadata.resourceVersion, "1");
      assert.equal(cache.get("ns/z"), undefined);
      watch.tell("ERROR", tooOld);
      await server.watch(1);
      assert.equal(cache.get("ns/a")?.metadata.resourceVersion, "1");
      assert.equal(cache.get("ns/b"), undefined);
    };
    await withCache(lists, play, { type: picky });
  });

  it("keeps no record of who set which field", async () => {
    const object = { metadata: { ...makeObject("a", "1").metadata, managedFields: [{ a: 1 }] } };
    await withCache([{ items: [object], resourceVersion: "5" }], async ({ server, cache }) => {
      await server.watch(0);
      assert.deepEqual(cache.get("ns/a"), makeObject("a", "1"));
    });
  });

  it("tells nothing of objects that a second list shows unchanged", async () => {
    const lists = [{ items: [makeObject("a", "1")], resourceVersion: "5" }];
    await withCache(lists, async ({ server, changes }) => {
      (await server.watch(0)).tell("ERROR", tooOld);
      await server.watch(1);
      assert.deepEqual(changes, ["ns/a new there"]);
    });
  });

  it("stops waiting for the sync when asked to", async () => {
    await withCache([new Error("down")], async ({ cache }) => {
      const stop = new AbortController();
      const waiting = cache.waitForSync(stop.signal);
      stop.abort(new Error("enough"));
      await assert.rejects(waiting, /enough/);
    });
  });
});
