import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ManagedServiceAccount, managedServiceAccount, managedServiceAccountSet } from "#api";
import { newsOf } from "./news.ts";
import { accountNameOf, planSet, type SetSnapshot } from "./plan.ts";
import { statusOf } from "./status.ts";

const at = new Date("2026-01-01T00:00:00Z");
const setLabel = "authentication.open-cluster-management.io/managed-serviceaccount-set";

function makeSet(metadata: object = {}, spec: object = {}) {
  return managedServiceAccountSet.parse({
    metadata: { name: "ci", namespace: "teams", uid: "set-1", generation: 3, ...metadata },
    spec: {
      placementRef: { name: "prod" },
      template: { metadata: { labels: { team: "x" } }, spec: { rotation: { validity: "1h" } } },
      ...spec,
    },
  });
}

const lastTransitionTime = "2026-01-01T00:00:00Z";
const ready = {
  lastTransitionTime,
  type: "TokenReported",
  status: "True",
  reason: "TokenReported",
  message: "",
};

/** As the set makes it, with its token. */
function makeAccount(
  cluster: string,
  parts: { metadata?: object; spec?: object; conditions?: readonly object[] } = {},
) {
  return managedServiceAccount.parse({
    metadata: {
      name: "ci",
      namespace: cluster,
      uid: `uid-${cluster}`,
      labels: { team: "x", [setLabel]: "set-1" },
      annotations: { [setLabel]: "teams/ci" },
      ...parts.metadata,
    },
    spec: { rotation: { validity: "1h" }, ...parts.spec },
    status: { conditions: parts.conditions ?? [ready] },
  });
}

function makeSnapshot(
  clusters: readonly string[] | undefined,
  accounts: readonly ManagedServiceAccount[],
  set = makeSet(),
): SetSnapshot {
  const named = accounts.filter(({ metadata }) => metadata.name === accountNameOf(set));
  return {
    set,
    clusters: clusters === undefined ? undefined : new Set(clusters),
    accounts: new Map(named.map((account) => [account.metadata.namespace ?? "", account])),
    made: accounts.filter(({ metadata }) => metadata.labels?.[setLabel] === "set-1"),
  };
}

const leaving = makeSet({ deletionTimestamp: "2026-01-01T00:00:00Z" });
const foreign = makeAccount("a", { metadata: { labels: {} } });

const plans: Readonly<Record<string, readonly [SetSnapshot, readonly string[]]>> = {
  "makes an account for each selected cluster": [
    makeSnapshot(["b", "a"], []),
    ["apply a", "apply b"],
  ],
  "leaves accounts alone that are as asked, whatever others add": [
    makeSnapshot(
      ["a"],
      [makeAccount("a", { metadata: { labels: { team: "x", more: "y", [setLabel]: "set-1" } } })],
    ),
    [],
  ],
  "applies a changed template": [
    makeSnapshot(["a"], [makeAccount("a", { spec: { rotation: { validity: "2h" } } })]),
    ["apply a"],
  ],
  "puts back a label": [
    makeSnapshot(["a"], [makeAccount("a", { metadata: { labels: { [setLabel]: "set-1" } } })]),
    ["apply a"],
  ],
  "removes the account of a cluster that is no longer selected": [
    makeSnapshot(["a"], [makeAccount("a"), makeAccount("b")]),
    ["remove b/ci"],
  ],
  "removes accounts of an earlier name": [
    makeSnapshot(["a"], [makeAccount("a")], makeSet({}, { accountName: "deployer" })),
    ["remove a/ci", "apply a"],
  ],
  "never touches an account that others made": [makeSnapshot(["a"], [foreign]), []],
  "keeps all while there is no Placement": [makeSnapshot(undefined, [makeAccount("a")]), []],
  "removes all when the set goes, with its Placement or without": [
    makeSnapshot(undefined, [makeAccount("a"), makeAccount("b")], leaving),
    ["remove a/ci", "remove b/ci"],
  ],
};

describe("planSet()", () => {
  for (const [name, [snapshot, want]] of Object.entries(plans)) {
    it(name, () => {
      const told = planSet(snapshot).map((action) =>
        action.kind === "apply"
          ? `apply ${action.cluster}`
          : `remove ${action.account.metadata.namespace}/${action.account.metadata.name}`,
      );
      assert.deepEqual(told, want);
    });
  }

  it("makes accounts of the template, and says in them whose they are", () => {
    const [action] = planSet(makeSnapshot(["a"], []));
    assert.deepEqual(action, {
      kind: "apply",
      cluster: "a",
      account: {
        metadata: {
          name: "ci",
          namespace: "a",
          labels: { team: "x", [setLabel]: "set-1" },
          annotations: { [setLabel]: "teams/ci" },
        },
        spec: { rotation: { enabled: true, validity: "1h" } },
      },
    });
  });
});

describe("statusOf() a set", () => {
  it("counts, and says which are not ready and why", () => {
    const failed = {
      lastTransitionTime,
      type: "TokenReported",
      status: "False",
      reason: "TokenReportFailed",
      message: "no way",
    };
    const accounts = [
      makeAccount("a"),
      makeAccount("b", { conditions: [failed] }),
      makeAccount("d", { conditions: [] }),
    ];
    const status = statusOf(makeSnapshot(["a", "b", "c", "d"], accounts), at);
    assert.equal(status.summary, "1/4");
    assert.deepEqual(
      status.notReady?.map(({ cluster, reason }) => `${cluster} ${reason}`),
      ["b TokenReportFailed", "c AccountMissing", "d TokenNotReported"],
    );
    const [condition] = status.conditions;
    assert.equal(condition?.status, "False");
    assert.match(condition.message, /^b: no way; c: There is no account yet; d: /);
    assert.equal(condition.observedGeneration, 3);
  });

  it("is ready when all are, and when none is selected", () => {
    for (const clusters of [["a"], []]) {
      const { conditions, summary } = statusOf(makeSnapshot(clusters, [makeAccount("a")]), at);
      assert.equal(conditions[0]?.status, "True");
      assert.equal(summary, `${clusters.length}/${clusters.length}`);
    }
  });

  it("names the Placement that is missing, and the account that others made", () => {
    const missing = statusOf(makeSnapshot(undefined, []), at);
    assert.match(
      missing.conditions[0]?.message ?? "",
      /^spec\.placementRef\.name "prod": there is no such Placement/,
    );
    const other = statusOf(makeSnapshot(["a"], [foreign]), at);
    assert.match(
      other.conditions[0]?.message ?? "",
      /a: spec\.accountName: ManagedServiceAccount a\/ci was made by others/,
    );
  });
});

describe("statusOf(), after the hub has refused an account", () => {
  it("says so, also for a cluster whose account was there before", () => {
    const failures = new Map([["one", "quota exceeded"]]);
    const snapshot = { ...makeSnapshot(["one", "two"], [makeAccount("two")]), failures };
    assert.deepEqual(statusOf(snapshot, at).notReady, [
      {
        cluster: "one",
        reason: "AccountFailed",
        message: "The hub does not take the account: quota exceeded",
      },
    ]);
  });
});

describe("newsOf()", () => {
  const told = (status: string, reason: string, message = "m") => ({
    conditions: [{ type: "Ready", status, reason, message, lastTransitionTime }],
    summary: "2/2",
  });
  const cases = [
    {
      name: "accounts are ready",
      before: told("False", "AccountsNotReady"),
      after: told("True", "AccountsReady"),
      want: { reason: "AccountsReady", message: "The accounts of 2/2 clusters are ready" },
    },
    {
      name: "accounts are ready no more",
      before: told("True", "AccountsReady"),
      after: told("False", "AccountsNotReady", "one: why"),
      want: { type: "Warning", reason: "AccountsNotReady", message: "one: why" },
    },
    {
      name: "a Placement is missing",
      before: { conditions: [] },
      after: told("False", "PlacementMissing"),
      want: { type: "Warning", reason: "PlacementMissing", message: "m" },
    },
    {
      name: "nothing while new accounts are on their way",
      before: { conditions: [] },
      after: told("False", "AccountsNotReady"),
      want: undefined,
    },
    {
      name: "nothing when it stays as it was",
      before: told("True", "AccountsReady"),
      after: told("True", "AccountsReady"),
      want: undefined,
    },
  ];
  for (const { name, before, after, want } of cases) {
    it(`tells ${name.replace("nothing", "nobody")}`, () => {
      const set = managedServiceAccountSet.parse({ ...makeSet(), status: before });
      const { status } = managedServiceAccountSet.parse({ ...makeSet(), status: after });
      assert.deepEqual(newsOf(set, status), want);
    });
  }
});
