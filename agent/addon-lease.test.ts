import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Lease } from "#api";
import type { KubeClient } from "#kube";
import { silentLogger } from "#runtime";
import { type AddonCheck, createAddonLease } from "./addon-lease.ts";

interface Beats {
  readonly renewTimes: string[];
  readonly waits: number[];
}

/** Runs a lease for `rounds` looks; a check that throws or answers a text fails that look. */
async function beat(
  rounds: number,
  check: AddonCheck,
  patch: () => Promise<Lease> = async () => ({ metadata: { name: "x" } }),
): Promise<Beats> {
  const stop = new AbortController();
  const renewTimes: string[] = [];
  const waits: number[] = [];
  const client: Partial<KubeClient> = {
    mergePatch: async (_type, key, { spec }) => {
      const { name, namespace } = key;
      const { renewTime, leaseDurationSeconds } = spec as Required<NonNullable<Lease["spec"]>>;
      assert.deepEqual([name, namespace, leaseDurationSeconds], ["my-addon", "ns", 60]);
      renewTimes.push(renewTime);
      return (await patch()) as never;
    },
  };
  const lease = createAddonLease({
    client: client as KubeClient,
    addon: "my-addon",
    namespace: "ns",
    checks: { works: check },
    log: silentLogger,
    now: () => 0,
    async sleep(ms, signal) {
      waits.push(ms);
      await Promise.resolve();
      if (waits.length === rounds) stop.abort();
      signal.throwIfAborted();
    },
  });
  await lease.run(stop.signal).catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  return { renewTimes, waits };
}

describe("createAddonLease()", () => {
  it("renews each minute, and up to a quarter more", async () => {
    const { renewTimes, waits } = await beat(5, () => undefined);
    assert.deepEqual(
      renewTimes,
      Array.from({ length: 5 }, () => "1970-01-01T00:00:00.000000Z"),
    );
    for (const ms of waits) assert.ok(ms >= 60_000 && ms <= 75_000);
  });

  const failing: Readonly<Record<string, AddonCheck>> = {
    "says so": () => "no tunnel",
    throws: () => Promise.reject(new Error("unreachable")),
  };
  for (const [name, check] of Object.entries(failing)) {
    it(`does not renew while a check ${name}, and looks again soon`, async () => {
      const { renewTimes, waits } = await beat(3, check);
      assert.deepEqual(renewTimes, []);
      assert.deepEqual(waits, [5_000, 5_000, 5_000]);
    });
  }

  it("renews again as soon as the check is fine", async () => {
    let looks = 0;
    const { renewTimes } = await beat(4, () => (++looks < 3 ? "not yet" : undefined));
    assert.equal(renewTimes.length, 2);
  });

  it("tries again soon when the lease cannot be written", async () => {
    const refuse = () => Promise.reject(new Error("down"));
    const { waits } = await beat(2, () => undefined, refuse);
    assert.deepEqual(waits, [5_000, 5_000]);
  });
});
