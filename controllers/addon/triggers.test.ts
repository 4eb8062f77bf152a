import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { makeCluster, makeCondition } from "../testdata/makers.ts";
import { changedCluster } from "./triggers.ts";

const available = (status: "True" | "Unknown", lastTransitionTime: string) =>
  makeCluster({
    status: {
      conditions: [
        makeCondition({ type: "ManagedClusterConditionAvailable", status, lastTransitionTime }),
      ],
    },
  });

describe("changedCluster()", () => {
  it("does not wake anything for a heartbeat", () => {
    const [before, after] = [available("True", "1"), available("True", "2")];
    assert.deepEqual(changedCluster({ key: "c1", before, after }), []);
  });

  it("wakes the cluster when it comes, goes, or is lost from sight", () => {
    const [before, after] = [available("True", "1"), available("Unknown", "1")];
    for (const change of [
      { before: undefined, after },
      { before, after: undefined },
      { before, after },
    ]) {
      assert.deepEqual(changedCluster({ key: "c1", ...change }), ["c1"]);
    }
  });

  it("wakes it when its images are to come from elsewhere", () => {
    const annotations = { "open-cluster-management.io/image-registries": "{}" };
    const after = makeCluster({ metadata: { name: "c1", annotations } });
    assert.deepEqual(changedCluster({ key: "c1", before: makeCluster(), after }), ["c1"]);
  });
});
