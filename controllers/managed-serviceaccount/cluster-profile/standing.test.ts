import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { managedClusterSet } from "#api";
import { type StandingInput, standingOf } from "./standing.ts";
import { makeBinding, makeCluster, makeProfile } from "./testdata/makers.ts";

const exclusive = managedClusterSet.parse({ metadata: { name: "teams" } });
const byLabel = (matchLabels: Readonly<Record<string, string>>) =>
  managedClusterSet.parse({
    metadata: { name: "teams" },
    spec: { clusterSelector: { selectorType: "LabelSelector", labelSelector: { matchLabels } } },
  });
const inSet = makeCluster({ "cluster.open-cluster-management.io/clusterset": "teams" });
const inOther = makeCluster({ "cluster.open-cluster-management.io/clusterset": "others" });

const cases: Readonly<Record<string, readonly [Partial<StandingInput>, string]>> = {
  "a bound set with the cluster gives a claim": [{}, "bound"],
  "the namespace has to be named for credentials": [
    { namespaces: [] },
    "bound without credentials",
  ],
  "another named namespace is not enough": [
    { namespaces: ["team-b"] },
    "bound without credentials",
  ],
  "all bound namespaces can be named": [{ namespaces: ["*"] }, "bound"],
  "nothing of ours belongs to a profile that is gone": [{ profile: undefined }, "foreign"],
  "nor to one that is going": [
    { profile: makeProfile({ metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } }) },
    "foreign",
  ],
  "a profile without labels is not OCM's": [
    { profile: makeProfile({ metadata: { labels: {} } }) },
    "foreign",
  ],
  "nor one of another manager, whatever its labels say": [
    { profile: makeProfile({ spec: { clusterManager: { name: "other" } } }) },
    "foreign",
  ],
  "nor one that names no cluster": [
    {
      profile: makeProfile({
        metadata: { labels: { "x-k8s.io/cluster-manager": "open-cluster-management" } },
      }),
    },
    "foreign",
  ],
  "a profile alone gives no claim": [{ bindings: [] }, "unbound"],
  "nor does a binding that is not bound": [
    { bindings: [makeBinding("teams", "False")] },
    "unbound",
  ],
  "nor does a binding of another set": [{ bindings: [makeBinding("others", "True")] }, "unbound"],
  "nor does a set that the cluster is not in": [{ cluster: inOther }, "unbound"],
  "nor does a set that is gone": [{ sets: [] }, "unbound"],
  "a cluster that the hub does not know belongs to nobody": [{ cluster: undefined }, "unbound"],
  "a set may select by any labels": [
    { cluster: makeCluster({ env: "prod" }), sets: [byLabel({ env: "prod" })] },
    "bound",
  ],
  "a set that selects other labels gives no claim": [
    { cluster: makeCluster({ env: "test" }), sets: [byLabel({ env: "prod" })] },
    "unbound",
  ],
};

describe("standingOf()", () => {
  for (const [name, [overrides, want]] of Object.entries(cases)) {
    it(name, () => {
      const standing = standingOf({
        profile: makeProfile(),
        cluster: inSet,
        bindings: [makeBinding("teams", "True")],
        sets: [exclusive],
        namespaces: ["team-a"],
        ...overrides,
      });
      const isBare = standing.kind === "bound" && !standing.getsCredentials;
      assert.equal(isBare ? "bound without credentials" : standing.kind, want);
    });
  }
});
