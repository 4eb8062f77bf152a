import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ManagedServiceAccount, managedServiceAccounts } from "#api";
import { ApiError, type KubeClient, type Outcome, recheckAfter, settled } from "#kube";
import { silentLogger } from "#runtime";
import { makeAccount } from "./make-snapshot.ts";
import { createTtlReconciler } from "./ttl-reconciler.ts";

const createdAt = "2026-01-01T00:00:00Z";

function makeShortLived(metadata: object = {}, ttl: number | undefined = 800) {
  const account = makeAccount({ metadata: { creationTimestamp: createdAt, ...metadata } });
  return { ...account, spec: { ...account.spec, ttlSecondsAfterCreation: ttl } };
}

interface Seen {
  readonly outcome: Outcome;
  readonly deleted: readonly unknown[];
}

async function reconcile(
  account: ManagedServiceAccount | undefined,
  ageSeconds: number,
  fault?: Error,
): Promise<Seen> {
  const deleted: unknown[] = [];
  const client: Partial<KubeClient> = {
    delete: async (_type, { name, namespace }, _signal, options) => {
      if (fault !== undefined) throw fault;
      deleted.push([namespace, name, options?.uid]);
    },
  };
  const reconciler = createTtlReconciler({
    hub: client as KubeClient,
    accountType: managedServiceAccounts,
    accounts: { get: () => account },
    now: () => Date.parse(createdAt) + ageSeconds * 1000,
    log: silentLogger,
  });
  const outcome = await reconciler.reconcile("c1/reader", new AbortController().signal);
  return { outcome, deleted };
}

describe("createTtlReconciler()", () => {
  it("deletes an account at the end of its life, and only that incarnation", async () => {
    const { outcome, deleted } = await reconcile(makeShortLived(), 801);
    assert.deepEqual(outcome, settled);
    assert.deepEqual(deleted, [["c1", "reader", "msa-1"]]);
  });

  it("waits for the end", async () => {
    const { outcome, deleted } = await reconcile(makeShortLived({}, 1000), 0);
    assert.deepEqual(outcome, recheckAfter(1_000_001));
    assert.deepEqual(deleted, []);
  });

  const left: Readonly<Record<string, ManagedServiceAccount | undefined>> = {
    "an account that is gone": undefined,
    "an account that lives for ever": makeAccount({ metadata: { creationTimestamp: createdAt } }),
    "an account that is being deleted": makeShortLived({ deletionTimestamp: createdAt }),
  };
  for (const [name, account] of Object.entries(left)) {
    it(`does nothing about ${name}`, async () => {
      assert.deepEqual(await reconcile(account, 10_000), { outcome: settled, deleted: [] });
    });
  }

  it("is content when another was faster, and tells of other failures", async () => {
    const gone = await reconcile(makeShortLived(), 801, new ApiError("not_found", "gone"));
    assert.deepEqual(gone.outcome, settled);
    const refused = reconcile(makeShortLived(), 801, new ApiError("forbidden", "no"));
    await assert.rejects(refused, { code: "forbidden" });
  });
});
