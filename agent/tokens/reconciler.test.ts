import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  findCondition,
  type KubeObject,
  type ManagedServiceAccount,
  type ManagedServiceAccountStatus,
  managedServiceAccounts,
  type OwnerReference,
  type Secret,
  secrets,
} from "#api";
import { ApiError, type KubeClient, type Outcome } from "#kube";
import { silentLogger } from "#runtime";
import {
  hoursLater,
  makeAccount,
  makeSecret,
  makeSettings,
  makeSnapshot,
  makeToken,
} from "./make-snapshot.ts";
import { createTokenReconciler } from "./reconciler.ts";
import { releaseServiceAccount } from "./release.ts";
import { ReviewMemory } from "./review-memory.ts";

const nowMs = hoursLater(0.5);
const newToken = makeToken({ iat: nowMs / 1000, exp: nowMs / 1000 + 500 });

/** What both clusters hold and answer; a test changes what it is about. */
interface World {
  account?: ManagedServiceAccount | undefined;
  /** What a live look at the hub finds, where it differs from the cache. */
  hubHasAccount?: boolean;
  secret?: Secret | undefined;
  serviceAccount?: KubeObject | undefined;
  isAuthenticated?: boolean;
  caBundle?: Buffer | undefined;
  /** What ServiceAccounts go with. */
  anchor?: OwnerReference;
  /** Errors by action. */
  readonly faults?: Readonly<Record<string, Error>>;
}

interface Seen {
  readonly outcome: Outcome | undefined;
  readonly error: Error | undefined;
  /** What was asked of the clusters, in order. */
  readonly actions: readonly string[];
  readonly secret: Secret | undefined;
  /** As it was written. */
  readonly serviceAccount: KubeObject | undefined;
  readonly status: ManagedServiceAccountStatus | undefined;
  readonly events: readonly string[];
}

async function reconcile(world: World): Promise<Seen> {
  const actions: string[] = [];
  const events: string[] = [];
  let secret: Secret | undefined;
  let serviceAccount: KubeObject | undefined;
  let status: ManagedServiceAccountStatus | undefined;
  const act = (action: string): void => {
    actions.push(action);
    const fault = world.faults?.[action];
    if (fault !== undefined) throw fault;
  };
  const found = (object: unknown): never => {
    if (object === undefined) throw new ApiError("not_found", "none");
    return object as never;
  };
  const hub: Partial<KubeClient> = {
    get: async (type) => {
      act(`get ${type.plural}`);
      return found(type.plural === secrets.plural ? world.secret : world.account);
    },
    rawJson: async () => {
      act("look for account");
      return found(world.hubHasAccount === true ? {} : undefined);
    },
    create: async (_type, object) => {
      act("create secret");
      secret = object;
      return object as never;
    },
    replace: async (_type, object) => {
      act("replace secret");
      secret = object;
      return object as never;
    },
    mergePatch: async (_type, _key, patch) => {
      act("write status");
      status = patch["status"] as ManagedServiceAccountStatus;
      return { ...world.account, status } as never;
    },
  };
  const managed: Partial<KubeClient> = {
    access: {
      server: "https://managed",
      namespace: undefined,
      requestOptions: async () => ({}),
      caBundle: async () => ("caBundle" in world ? world.caBundle : Buffer.from("ca")),
    },
    get: async () => {
      act("get serviceaccount");
      return found(world.serviceAccount);
    },
    create: async (type, object, _signal, options) => {
      if (type.plural === "tokenreviews") {
        act("create tokenreview");
        const user = { username: "system:serviceaccount:agent:reader" };
        return { status: { authenticated: world.isAuthenticated ?? true, user } } as never;
      }
      act(options?.subresource === "token" ? "create token" : "create serviceaccount");
      if (options?.subresource === undefined) serviceAccount = object;
      const expirationTimestamp = new Date(nowMs + 500_000).toISOString();
      return { ...object, status: { token: newToken, expirationTimestamp } } as never;
    },
    mergePatch: async (_type, _key, { metadata }) => {
      serviceAccount = { metadata } as KubeObject;
      act("anchor serviceaccount");
      return world.serviceAccount as never;
    },
    delete: async (_type, { name }, _signal, options) => {
      act(`delete serviceaccount ${name} ${options?.uid}`);
    },
  };
  const clients = { hub: hub as KubeClient, managed: managed as KubeClient };
  const serviceAccounts = { get: () => world.serviceAccount, wrote: () => undefined };
  const anchors = {
    serviceAccount: async () => world.anchor,
    clusterRole: async () => undefined,
  };
  const shared = {
    ...clients,
    accountType: managedServiceAccounts,
    agentNamespace: "agent",
    anchors,
  };
  const ports = { ...shared, serviceAccounts, log: silentLogger };
  const reconciler = createTokenReconciler({
    ...ports,
    accounts: { get: () => world.account, wrote: () => undefined },
    secrets: { get: () => world.secret, wrote: () => undefined },
    settings: makeSettings(),
    reviews: new ReviewMemory(),
    reviewEveryMs: () => 600_000,
    release: (key, signal) => releaseServiceAccount(ports, key, signal),
    metrics: {
      holds: () => undefined,
      renewed: () => undefined,
      failed: () => undefined,
      forget: () => undefined,
    },
    events: {
      refreshed: async () => void events.push("refreshed"),
      failed: async () => void events.push("failed"),
    },
    now: () => nowMs,
  });
  const work = reconciler.reconcile("c1/reader", new AbortController().signal);
  const [outcome, error] = await work.then(
    (value) => [value, undefined] as const,
    (reason: unknown) => [undefined, reason as Error] as const,
  );
  return { outcome, error, actions, secret, serviceAccount, status, events };
}

const well = makeSnapshot();
const healthy: World = {
  account: well.account,
  secret: well.secret,
  serviceAccount: well.serviceAccount,
};
const fresh: World = { account: makeAccount({ status: undefined }) };
const renewing = ["create token", "replace secret", "write status"];

describe("createTokenReconciler(): what is asked of the clusters", () => {
  const cases: Readonly<Record<string, readonly [world: World, actions: readonly string[]]>> = {
    "nothing for an account that is gone and has left nothing": [{}, []],
    "nothing for an account that is gone when others made the ServiceAccount": [
      { serviceAccount: { metadata: { name: "reader", namespace: "agent", uid: "sa-1" } } },
      [],
    ],
    "the end of our ServiceAccount when the account is gone": [
      { serviceAccount: well.serviceAccount },
      ["look for account", "delete serviceaccount reader sa-1"],
    ],
    "nothing when the account is there after all": [
      { serviceAccount: well.serviceAccount, hubHasAccount: true },
      ["look for account"],
    ],
    "everything for a new account": [
      fresh,
      [
        "get secrets",
        "get serviceaccount",
        "create serviceaccount",
        "create token",
        "create secret",
        "write status",
      ],
    ],
    "only a review, and no write, when all is well": [healthy, ["create tokenreview"]],
    "a new token, and no review, when nothing was reported": [
      { ...healthy, account: makeAccount({ status: undefined }) },
      renewing,
    ],
    "a new token when the old one is rejected": [
      { ...healthy, isAuthenticated: false },
      ["create tokenreview", ...renewing],
    ],
    "a new token, after a fresh look, when the ServiceAccount was replaced": [
      {
        ...healthy,
        secret: makeSecret(makeToken({ "kubernetes.io": { serviceaccount: { uid: "sa-0" } } })),
      },
      ["get serviceaccount", ...renewing],
    ],
    "the same token in a repaired Secret when the authority changed": [
      { ...healthy, caBundle: Buffer.from("new") },
      ["create tokenreview", "replace secret"],
    ],
  };
  for (const [name, [world, want]] of Object.entries(cases)) {
    it(name, async () => {
      const { actions, error } = await reconcile(world);
      assert.deepEqual(actions, want);
      assert.equal(error, undefined);
    });
  }
});

describe("createTokenReconciler(): what it leaves on the hub", () => {
  it("a Secret that keeps what others added, with the new token", async () => {
    const { metadata, data } = makeSecret();
    const labels = { ...metadata.labels, team: "a" };
    const annotations = { note: "b" };
    const world = {
      ...healthy,
      secret: { ...well.secret, metadata: { ...metadata, labels, annotations }, data: { ...data } },
      isAuthenticated: false,
    };
    const { secret, events } = await reconcile(world);
    assert.deepEqual(secret?.metadata.labels, labels);
    assert.deepEqual(secret.metadata.annotations, annotations);
    assert.equal(Buffer.from(secret.data?.["token"] ?? "", "base64").toString(), newToken);
    assert.deepEqual(events, ["refreshed"]);
  });

  it("the expiry that the cluster granted, and a look when that is due", async () => {
    const { status, outcome } = await reconcile(fresh);
    assert.equal(status?.expirationTimestamp, "2026-01-01T00:38:20Z");
    assert.deepEqual(outcome, { kind: "recheck", afterMs: 405_000 });
  });

  it("a failure with its root cause, once", async () => {
    const cause = new ApiError("forbidden", "Cannot POST token: no right");
    const world = { ...fresh, faults: { "create token": cause } };
    const { error, status, events } = await reconcile(world);
    assert.equal(error, cause);
    const told = findCondition(status?.conditions, "TokenReported");
    assert.deepEqual([told?.status, told?.reason], ["False", "TokenReportFailed"]);
    assert.equal(told?.message, cause.message);
    assert.deepEqual(events, ["failed"]);
    const failed = { ...makeAccount({ status: undefined }), status: status ?? { conditions: [] } };
    const again = await reconcile({ ...world, account: failed });
    assert.equal(again.actions.includes("write status"), false);
    assert.deepEqual(again.events, []);
  });

  it("the root cause also when the failure cannot be reported", async () => {
    const cause = new ApiError("forbidden", "no right");
    const faults = { "create token": cause, "write status": new ApiError("server", "down") };
    assert.equal((await reconcile({ ...fresh, faults })).error, cause);
  });

  it("no bad report for a passing fault while the token is fine", async () => {
    const faults = { "create tokenreview": new ApiError("unreachable", "down") };
    const { actions, error } = await reconcile({ ...healthy, faults });
    assert.deepEqual(actions, ["create tokenreview"]);
    assert.equal(error?.message, "down");
  });

  it("no bad report when two agents meet", async () => {
    const faults = { "create secret": new ApiError("already_exists", "there") };
    const { actions } = await reconcile({ ...fresh, faults });
    assert.equal(actions.includes("write status"), false);
  });

  it("no new token while the certificate authority is unknown", async () => {
    const { actions, error } = await reconcile({ ...fresh, caBundle: undefined });
    assert.deepEqual(actions, ["write status"]);
    assert.match(error?.message ?? "", /certificate authority/);
  });
});

describe("createTokenReconciler(): what goes with the agent", () => {
  const anchor = {
    apiVersion: "v1",
    kind: "ServiceAccount",
    name: "managed-serviceaccount",
    uid: "a",
  };
  const other = { apiVersion: "v1", kind: "ConfigMap", name: "x", uid: "b" };
  const owned = (ownerReferences: readonly OwnerReference[]): KubeObject => ({
    ...well.serviceAccount,
    metadata: {
      ...well.serviceAccount?.metadata,
      name: "reader",
      ownerReferences: [...ownerReferences],
    },
  });

  it("a ServiceAccount from its first moment", async () => {
    const { serviceAccount } = await reconcile({ ...fresh, anchor });
    assert.deepEqual(serviceAccount?.metadata.ownerReferences, [anchor]);
  });

  it("a ServiceAccount of an earlier version, with the owners that it has", async () => {
    const world = { ...healthy, anchor, serviceAccount: owned([other]) };
    const { actions, serviceAccount } = await reconcile(world);
    assert.deepEqual(actions, ["create tokenreview", "anchor serviceaccount"]);
    assert.deepEqual(serviceAccount?.metadata.ownerReferences, [other, anchor]);
  });

  it("no second time", async () => {
    const world = { ...healthy, anchor, serviceAccount: owned([anchor]) };
    assert.deepEqual((await reconcile(world)).actions, ["create tokenreview"]);
  });

  it("at the price of no token where it may not say so", async () => {
    const faults = { "anchor serviceaccount": new ApiError("forbidden", "no right") };
    const { error, outcome } = await reconcile({ ...healthy, anchor, faults });
    assert.equal(error, undefined);
    assert.equal(outcome?.kind, "recheck");
  });
});
