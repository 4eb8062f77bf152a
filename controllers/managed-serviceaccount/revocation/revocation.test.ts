import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  findCondition,
  type ManagedServiceAccount,
  managedServiceAccount,
  type Secret,
} from "#api";
import { ApiError, type KubeClient, type Outcome, settled } from "#kube";
import { silentLogger } from "#runtime";
import { earlier, makeCondition, now } from "../../testdata/makers.ts";
import { planRevocation } from "./plan.ts";
import { createRevocationReconciler } from "./reconciler.ts";

const reported = {
  conditions: ["SecretCreated", "TokenReported"].map((type) => makeCondition({ type })),
  expirationTimestamp: earlier,
  tokenSecretRef: { name: "ci", lastRefreshTimestamp: earlier },
};

function makeAccount(status: object = reported): ManagedServiceAccount {
  const metadata = { name: "ci", namespace: "c1", uid: "msa", resourceVersion: "5", generation: 3 };
  return managedServiceAccount.parse({ metadata, spec: { rotation: {} }, status });
}

function makeSecret(overrides: Partial<Secret["metadata"]> = {}): Secret {
  const owner = { apiVersion: "a/v1", kind: "ManagedServiceAccount", name: "ci", uid: "msa" };
  const labels = { "authentication.open-cluster-management.io/is-managed-serviceaccount": "true" };
  const metadata = { name: "ci", namespace: "c1", uid: "s", labels, ownerReferences: [owner] };
  return { metadata: { ...metadata, ...overrides } };
}

describe("planRevocation()", () => {
  it("takes the Secret that the agent made, and no other", () => {
    const account = makeAccount();
    const cases = [
      [makeSecret(), true],
      [makeSecret({ labels: {} }), false],
      [makeSecret({ ownerReferences: [] }), false],
    ] as const;
    for (const [secret, expected] of cases) {
      assert.equal(planRevocation({ account, secret }, now).secret === secret, expected);
    }
  });

  it("says why in every condition that there was, and of no token any more", () => {
    const { status } = planRevocation({ account: makeAccount(), secret: undefined }, now);
    assert.deepEqual(Object.keys(status ?? {}), ["conditions"]);
    for (const type of ["SecretCreated", "TokenReported"]) {
      const told = findCondition(status?.conditions, type);
      assert.deepEqual(
        [told?.status, told?.reason, told?.observedGeneration],
        ["False", "AddonRemoved", 3],
      );
      assert.match(told?.message ?? "", /c1 does not have the addon any more/);
    }
    assert.equal(findCondition(status?.conditions, "PermissionsApplied"), undefined);
  });

  it("says nothing where nothing was ever promised", () => {
    for (const status of [{}, { conditions: [makeCondition({ type: "x" })] }]) {
      const account = makeAccount(status);
      assert.equal(planRevocation({ account, secret: undefined }, now).status, undefined);
    }
  });

  it("says it once", () => {
    const first = planRevocation({ account: makeAccount(), secret: undefined }, now);
    const again = planRevocation({ account: makeAccount(first.status), secret: undefined }, now);
    assert.equal(again.status, undefined);
  });
});

interface World {
  readonly account?: ManagedServiceAccount;
  readonly secret?: Secret;
  /** In the cache, and when the server is asked. */
  readonly addon?: "everywhere" | "server only";
}

/** Looks once at each of the times; answers what it did, and the last outcome. */
async function reconcile({ account, secret, addon }: World, timesMs = [now.getTime()]) {
  const actions: string[] = [];
  let nowMs = 0;
  const found = (object: unknown): never => {
    if (object === undefined) throw new ApiError("not_found", "none");
    return object as never;
  };
  const client: Partial<KubeClient> = {
    get: async () => found(secret),
    rawJson: async (path) => {
      actions.push(`ask ${path}`);
      return found(addon === undefined ? undefined : {});
    },
    delete: async ({ plural }, { name }, _signal, options) => {
      actions.push(`delete ${plural} ${name} ${options?.uid}`);
    },
    mergePatch: async (_type, _key, patch) => {
      const { tokenSecretRef, expirationTimestamp } = patch["status"] as Record<string, unknown>;
      actions.push(`tell ${String(tokenSecretRef)} ${String(expirationTimestamp)}`);
      return {} as never;
    },
  };
  const reconciler = createRevocationReconciler({
    client: client as KubeClient,
    version: "v1beta1",
    accounts: { get: () => account },
    addons: { get: () => (addon === "everywhere" ? { metadata: { name: "a" } } : undefined) },
    now: () => new Date(nowMs),
    log: silentLogger,
  });
  let outcome: Outcome = settled;
  for (nowMs of timesMs) {
    outcome = await reconciler.reconcile("c1/ci", new AbortController().signal);
  }
  return { actions, outcome };
}

describe("createRevocationReconciler()", () => {
  const ask =
    "ask /apis/addon.open-cluster-management.io/v1beta1/namespaces/c1/managedclusteraddons/managed-serviceaccount";
  const account = makeAccount();

  it("revokes, and looks again: the agent may be alive for a moment", async () => {
    const { actions, outcome } = await reconcile({ account, secret: makeSecret() });
    assert.deepEqual(actions, [ask, "delete secrets ci s", "tell null null"]);
    assert.equal(outcome.kind, "recheck");
  });

  it("does so again at once where the agent has written again, and then ever later", async () => {
    const world = { account, secret: makeSecret() };
    const nowMs = now.getTime();
    const first = await reconcile(world, [nowMs, nowMs + 600, nowMs + 700]);
    assert.equal(first.actions.filter((action) => action.startsWith("delete")).length, 2);
    assert.deepEqual(first.outcome, { kind: "recheck", afterMs: 900 });
  });

  const idle: Readonly<Record<string, World & { readonly asks?: true }>> = {
    "the account is gone": {},
    "the cluster has the addon": { account, secret: makeSecret(), addon: "everywhere" },
    "only the cache misses the addon": {
      account,
      secret: makeSecret(),
      addon: "server only",
      asks: true,
    },
    "nothing is left": { account: makeAccount({}) },
  };
  for (const [when, { asks, ...world }] of Object.entries(idle)) {
    it(`does nothing when ${when}`, async () => {
      const { actions, outcome } = await reconcile(world);
      assert.deepEqual(actions, asks ? [ask] : []);
      assert.equal(outcome.kind, "settled");
    });
  }
});
