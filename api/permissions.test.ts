import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { permissionPolicy, policyForCluster } from "./permissions.ts";

describe("policyForCluster()", () => {
  const policy = permissionPolicy.parse([
    { clusters: ["prod-*"], roles: ["a"] },
    { clusters: ["c1", "c2"], roles: ["b"] },
    { roles: ["c"] },
  ]);
  const cases = { "prod-1": ["a", "c"], c2: ["b", "c"], c20: ["c"], "": ["c"] };
  for (const [cluster, expected] of Object.entries(cases)) {
    it(`lets ${expected.join(" and ")} count for "${cluster}"`, () => {
      assert.deepEqual(
        policyForCluster(policy, cluster)?.flatMap(({ roles }) => roles),
        expected,
      );
    });
  }

  it("makes no policy where there is none, and none a policy of nothing", () => {
    assert.equal(policyForCluster(undefined, "c1"), undefined);
    assert.deepEqual(policyForCluster([], "c1"), []);
  });
});
