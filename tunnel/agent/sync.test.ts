import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type KnownServer, SyncDelays, serverCount, shouldConnect } from "./sync.ts";

/** Servers as `a b! c(a,d)`: `!` asks to be left, in brackets what it tells of. */
function serversOf(text: string): readonly KnownServer[] {
  return text
    .split(" ")
    .filter((word) => word !== "")
    .map((word) => {
      const [, id = "", leaving, , list] = /^(\w+)(!?)(\(([\w,]*)\))?$/.exec(word) ?? [];
      const isDraining = leaving === "!";
      return { id, isDraining, list: list?.split(",").filter((name) => name !== "") };
    });
}

describe("shouldConnect()", () => {
  interface Case {
    readonly servers: string;
    readonly count?: number;
    readonly forever?: boolean;
    readonly want: boolean;
  }
  const cases: Readonly<Record<string, Case>> = {
    "looks for the first server": { servers: "", want: true },
    "has found the only one": { servers: "a", want: false },
    "looks for as many as it was told of by number": { servers: "a b", count: 3, want: true },
    "does not mind that there are more": { servers: "a b c", count: 2, want: false },
    "goes on for ever when it is told to": { servers: "a", forever: true, want: true },
    "looks where the number says none": { servers: "a", count: 0, want: true },
    "counts no server that asks to be left": { servers: "a b!", count: 2, want: true },
    "looks for one that a server tells of": { servers: "a(a,b)", want: true },
    "has all that are told of": { servers: "a(a,b) b(b,a)", want: false },
    "believes a list more than a number": { servers: "a(a)", count: 3, want: false },
    "believes whoever knows of more": { servers: "a(a,b) b(a,b,c)", want: true },
    "looks for no server that none tells of any more": { servers: "a(a) b!(a)", want: false },
    "does not look for one that it is still leaving": { servers: "a(a,b) b!", want: false },
    "looks for another when the only one asks to be left": { servers: "a!()", want: true },
  };
  for (const [name, { servers, count = 1, forever = false, want }] of Object.entries(cases)) {
    it(name, () => {
      const state = { servers: serversOf(servers), serverCount: count, isSyncForever: forever };
      assert.equal(shouldConnect(state), want);
    });
  }
});

describe("serverCount()", () => {
  it("follows the servers where no Leases are counted", () => {
    const counts = { fromServers: 3, fromLeases: undefined };
    assert.deepEqual([serverCount("default", counts), serverCount("max", counts)], [3, 3]);
  });

  it("follows the Leases, or the larger number when asked to", () => {
    const counts = { fromServers: 3, fromLeases: 2 };
    assert.deepEqual([serverCount("default", counts), serverCount("max", counts)], [2, 3]);
  });

  it("is at least one", () => {
    assert.equal(serverCount("default", { fromServers: 0, fromLeases: undefined }), 1);
    assert.equal(serverCount("default", { fromServers: 3, fromLeases: 0 }), 1);
  });
});

describe("SyncDelays", () => {
  const intervals = { intervalMs: 1000, intervalCapMs: 3000, satisfiedIntervalMs: 30_000 };

  it("grow by half up to the cap while rounds fail, and start again after one that does not", () => {
    const delays = new SyncDelays(intervals, () => 0);
    const failed = Array.from({ length: 11 }, () => Math.round(delays.after("failed")));
    const grown = [100, 150, 225, 338, 506, 759, 1139, 1709, 2563, 3000, 3000];
    assert.deepEqual(failed, grown);
    assert.deepEqual([delays.after("connected"), delays.after("failed")], [1000, 100]);
  });

  it("are never longer than the cap, and differ by up to a half, while rounds fail", () => {
    const delays = new SyncDelays({ ...intervals, intervalMs: 50, intervalCapMs: 50 }, () => 1);
    assert.deepEqual([delays.after("failed"), delays.after("failed")], [25, 25]);
  });

  it("are long when there is nothing left to find", () => {
    assert.equal(new SyncDelays(intervals, () => 0).after("satisfied"), 30_000);
  });

  it("differ by up to a tenth", () => {
    assert.equal(new SyncDelays(intervals, () => 1).after("complete"), 1100);
  });

  it("grow while rounds only find what is known, until there is news", () => {
    const delays = new SyncDelays(intervals, () => 0);
    const found = Array.from({ length: 4 }, () => delays.after("duplicate"));
    assert.deepEqual(found, [1000, 1500, 2250, 3375]);
    delays.afterNews(1);
    assert.equal(delays.after("duplicate"), 1000);
    for (let round = 0; round < 20; round += 1) delays.after("duplicate");
    assert.equal(delays.after("duplicate"), 5000);
  });

  it("spread a fleet that hears the same news over the interval", () => {
    const at = (random: number) => new SyncDelays(intervals, () => random).afterNews(1);
    assert.deepEqual([0, 0.25, 0.999].map(at), [0, 250, 999]);
  });

  it("spread it over less where no server is left, so that clusters are reached again soon", () => {
    const at = (random: number) => new SyncDelays(intervals, () => random).afterNews(0);
    assert.deepEqual([0, 0.5].map(at), [0, 50]);
  });
});
