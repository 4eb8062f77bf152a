import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  hoursLater,
  makeAccount,
  makeSecret,
  makeSettings,
  makeSnapshot,
  makeToken,
  refreshedAt,
} from "./make-snapshot.ts";
import { needsReview, type Plan, planToken } from "./plan.ts";
import type { PlanSettings, Snapshot } from "./snapshot.ts";

/** Half an hour after the refresh: eighteen minutes and the margin are left. */
const now = hoursLater(0.5);
const renewalInMs = 18 * 60_000 + 5_000;

interface Case {
  readonly snapshot: Snapshot;
  readonly settings?: PlanSettings;
  readonly nowMs?: number;
  readonly want: Plan;
}

function renew(reason: string, overrides: object = {}): Plan {
  const base = { kind: "renew", reason, createsServiceAccount: false, validitySeconds: 3600 };
  return { ...base, ...overrides } as Plan;
}

const leaving = { deletionTimestamp: "2026-01-01T00:10:00Z" };
const unlabelled = { metadata: { name: "reader", namespace: "agent", uid: "sa-1" } };
const adoptable = {
  metadata: {
    ...unlabelled.metadata,
    annotations: { "authentication.open-cluster-management.io/adopt": "true" },
  },
};
const foreignSecret = { metadata: { name: "reader", namespace: "c1" }, data: { password: "eA==" } };
const isSame = { observedGeneration: 1, lastTransitionTime: "2026-01-01T00:00:00Z", message: "" };

const renewals: Readonly<Record<string, Case>> = {
  "creates the ServiceAccount when it is missing": {
    snapshot: makeSnapshot({ serviceAccount: undefined }),
    want: renew("ServiceAccountMissing", { createsServiceAccount: true }),
  },
  "renews when the Secret is missing": {
    snapshot: makeSnapshot({ secret: undefined }),
    want: renew("SecretMissing"),
  },
  "renews when nothing was reported yet": {
    snapshot: makeSnapshot({ account: makeAccount({ status: undefined }) }),
    want: renew("NeverReported"),
  },
  "renews when the report names no expiry": {
    snapshot: makeSnapshot({
      account: makeAccount({
        status: {
          tokenSecretRef: { name: "reader", lastRefreshTimestamp: refreshedAt.toISOString() },
        },
      }),
    }),
    want: renew("NeverReported"),
  },
  "renews a token that is no JWT": {
    snapshot: makeSnapshot({ token: "scribble" }),
    want: renew("TokenUnreadable"),
  },
  "renews when the Secret has lost its token": {
    snapshot: makeSnapshot({ secret: makeSecret(undefined, { data: { "ca.crt": "Y2E=" } }) }),
    want: renew("TokenUnreadable"),
  },
  "renews when the agent has moved to another namespace": {
    snapshot: makeSnapshot({ token: makeToken({ sub: "system:serviceaccount:old:reader" }) }),
    want: renew("SubjectChanged"),
  },
  "renews when the ServiceAccount was deleted and made again": {
    snapshot: makeSnapshot({
      token: makeToken({ "kubernetes.io": { serviceaccount: { uid: "sa-0" } } }),
    }),
    want: renew("ServiceAccountReplaced"),
  },
  "renews at once when the validity was changed": {
    snapshot: makeSnapshot({
      account: makeAccount({ metadata: { generation: 2 }, validity: "2h" }),
    }),
    want: renew("ValidityChanged", { validitySeconds: 7200 }),
  },
  "renews past four fifths of the token's life, without asking the managed cluster": {
    snapshot: makeSnapshot({ verdict: "unasked" }),
    nowMs: hoursLater(0.8) + 1,
    want: renew("NearExpiry"),
  },
  "renews an older token that was put back, before that one expires": {
    snapshot: makeSnapshot({ token: makeToken({ exp: refreshedAt.getTime() / 1000 + 1500 }) }),
    want: renew("NearExpiry"),
  },
  "renews a token that the managed cluster rejects": {
    snapshot: makeSnapshot({ verdict: "rejected" }),
    want: renew("Rejected"),
  },
  "renews for an account that is being deleted while all it has is there": {
    snapshot: makeSnapshot({ account: makeAccount({ metadata: leaving }), verdict: "rejected" }),
    want: renew("Rejected"),
  },
};

const restful: Readonly<Record<string, Case>> = {
  "keeps what is well": { snapshot: makeSnapshot(), want: { kind: "keep", renewalInMs } },
  "keeps at the threshold itself": {
    snapshot: makeSnapshot(),
    nowMs: hoursLater(0.8),
    want: { kind: "keep", renewalInMs: 5_000 },
  },
  "keeps a token that the cluster made shorter than asked": {
    snapshot: makeSnapshot({ account: makeAccount({ validity: "8640h" }) }),
    want: { kind: "keep", renewalInMs },
  },
  "keeps the token when the spec changed elsewhere": {
    snapshot: makeSnapshot({ account: makeAccount({ metadata: { generation: 2 } }) }),
    want: { kind: "keep", renewalInMs },
  },
  "keeps a token that was made after the last report": {
    snapshot: makeSnapshot({
      token: makeToken({ iat: hoursLater(0.4) / 1000, exp: hoursLater(1.4) / 1000 }),
    }),
    nowMs: hoursLater(0.9),
    want: { kind: "keep", renewalInMs: 18 * 60_000 + 5_000 },
  },
  "does not renew twice within a minute": {
    snapshot: makeSnapshot({
      token: makeToken({ exp: hoursLater(8760) / 1000 }),
      account: makeAccount({
        status: {
          conditions: [
            { type: "SecretCreated", status: "True", reason: "SecretCreated", ...isSame },
          ],
          expirationTimestamp: refreshedAt.toISOString(),
          tokenSecretRef: { name: "reader", lastRefreshTimestamp: refreshedAt.toISOString() },
        },
      }),
    }),
    nowMs: refreshedAt.getTime() + 30_000,
    want: { kind: "keep", renewalInMs: 5_000 },
  },
  "repairs the Secret when the certificate authority changed": {
    snapshot: makeSnapshot({ caBundle: Buffer.from("new ca") }),
    want: { kind: "repair", renewalInMs },
  },
  "repairs a Secret without our label": {
    snapshot: makeSnapshot({
      secret: makeSecret(undefined, {
        metadata: { ...makeSecret().metadata, labels: { team: "a" } },
      }),
    }),
    want: { kind: "repair", renewalInMs },
  },
  "repairs a Secret of an account that was made again": {
    snapshot: makeSnapshot({ account: makeAccount({ metadata: { uid: "msa-2" } }) }),
    want: { kind: "repair", renewalInMs },
  },
  "leaves alone what is being deleted and has lost its Secret": {
    snapshot: makeSnapshot({
      account: makeAccount({ metadata: leaving }),
      secret: undefined,
    }),
    want: { kind: "leave" },
  },
  "leaves alone what is being deleted and has lost its ServiceAccount": {
    snapshot: makeSnapshot({
      account: makeAccount({ metadata: leaving }),
      serviceAccount: undefined,
    }),
    want: { kind: "leave" },
  },
};

const adoptions: Readonly<Record<string, Case>> = {
  "hands out a foreign ServiceAccount that asks for it": {
    snapshot: makeSnapshot({ serviceAccount: adoptable }),
    want: { kind: "keep", renewalInMs },
  },
  "hands out any ServiceAccount when told to": {
    snapshot: makeSnapshot({ serviceAccount: unlabelled }),
    settings: makeSettings({ adoptsAny: true }),
    want: { kind: "keep", renewalInMs },
  },
};

for (const [group, cases] of Object.entries({ renewals, restful, adoptions })) {
  describe(`planToken(): ${group}`, () => {
    for (const [name, { snapshot, settings, nowMs, want }] of Object.entries(cases)) {
      it(name, () => {
        assert.deepEqual(planToken(snapshot, settings ?? makeSettings(), nowMs ?? now), want);
      });
    }
  });
}

describe("planToken(): refusals", () => {
  const cases: Readonly<Record<string, Omit<Case, "want"> & { readonly want: RegExp }>> = {
    "refuses a foreign ServiceAccount": {
      snapshot: makeSnapshot({ serviceAccount: unlabelled }),
      want: /^ServiceAccountNotOurs: metadata\.name "reader": ServiceAccount agent\/reader .* made by others.*adopt=true/,
    },
    "refuses its own ServiceAccount, whatever that says": {
      snapshot: makeSnapshot({ serviceAccount: adoptable }),
      settings: makeSettings({ adoptsAny: true, ownNames: new Set(["reader"]) }),
      want: /^ServiceAccountNotOurs: metadata\.name "reader": .*the agent's own.*another name/,
    },
    "refuses to overwrite a foreign Secret": {
      snapshot: makeSnapshot({ secret: foreignSecret }),
      want: /^SecretNotOurs: metadata\.name "reader": Secret c1\/reader .* not overwritten/,
    },
    "refuses a validity that is none": {
      snapshot: makeSnapshot({ account: makeAccount({ validity: "soon" }) }),
      want: /^InvalidValidity: spec.rotation.validity "soon" is no duration such as 720h/,
    },
    "refuses a validity that nobody issues": {
      snapshot: makeSnapshot({ account: makeAccount({ validity: "2000000h" }) }),
      want: /^InvalidValidity: spec.rotation.validity "2000000h" is more than 1193046h/,
    },
    "refuses a validity that cannot be had": {
      snapshot: makeSnapshot({ account: makeAccount({ validity: "5m" }) }),
      want: /^InvalidValidity: spec.rotation.validity "5m" is less than 10m/,
    },
  };
  for (const [name, { snapshot, settings, want }] of Object.entries(cases)) {
    it(name, () => {
      const plan = planToken(snapshot, settings ?? makeSettings(), now);
      assert.equal(plan.kind, "refuse");
      assert.match(`${plan.refusal.reason}: ${plan.refusal.message}`, want);
    });
  }

  it("takes a Secret that only its owner reference tells to be ours", () => {
    const { ownerReferences } = makeSecret().metadata;
    const secret = { ...foreignSecret, metadata: { ...foreignSecret.metadata, ownerReferences } };
    assert.equal(planToken(makeSnapshot({ secret }), makeSettings(), now).kind, "renew");
  });
});

describe("needsReview()", () => {
  const cases: Readonly<Record<string, readonly [snapshot: Snapshot, nowMs: number, boolean]>> = {
    "is true when all looks well": [makeSnapshot({ verdict: "unasked" }), now, true],
    "is true when only the Secret needs repair": [
      makeSnapshot({ verdict: "unasked", caBundle: Buffer.from("x") }),
      now,
      true,
    ],
    "is false when the renewal is due anyway": [makeSnapshot(), hoursLater(0.9), false],
    "is false when nothing will be done": [
      makeSnapshot({ serviceAccount: unlabelled }),
      now,
      false,
    ],
  };
  for (const [name, [snapshot, nowMs, want]] of Object.entries(cases)) {
    it(name, () => assert.equal(needsReview(snapshot, makeSettings(), nowMs), want));
  }
});
