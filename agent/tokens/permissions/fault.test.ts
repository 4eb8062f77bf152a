import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Permission, PermissionRule } from "#api";
import { faultOf } from "./fault.ts";

const core = { apiGroups: [""], resources: ["pods"] };
const withRule = (rule: PermissionRule): Permission => ({ rules: [rule], namespaces: ["a"] });

const good: readonly Permission[] = [
  { preset: "view" },
  { clusterRole: "system:node", namespaces: ["a", "team-1"] },
  { role: "x.y:z", namespaces: ["a".repeat(63)] },
  withRule({ ...core, verbs: ["get"] }),
  { rules: [{ nonResourceURLs: ["/healthz"], verbs: ["get"] }] },
];

const bad: readonly (readonly [Permission, string])[] = [
  [{ clusterRole: ".." }, '.clusterRole ".." is no name of a role'],
  [{ clusterRole: "a/b" }, '.clusterRole "a/b" is no name of a role'],
  [{ role: "%2e", namespaces: ["a"] }, '.role "%2e" is no name of a role'],
  [{ preset: "edit", namespaces: ["a", ".."] }, '.namespaces[1] ".." is no name of a namespace'],
  [{ preset: "edit", namespaces: ["Team"] }, '.namespaces[0] "Team" is no name of a namespace'],
  [{ preset: "edit", namespaces: ["a/pods/b"] }, '.namespaces[0] "a/pods/b" is no name'],
  [{ preset: "edit", namespaces: ["a\n"] }, '.namespaces[0] "a\\n" is no name of a namespace'],
  [{ preset: "edit", namespaces: ["a".repeat(64)] }, ".namespaces[0] "],
  [withRule({ ...core, verbs: [] }), ".rules[0] has no verbs"],
  [withRule({ resources: ["pods"], verbs: ["get"] }), ".rules[0] has no apiGroups"],
  [withRule({ verbs: ["get"] }), ".rules[0] needs either resources or nonResourceURLs"],
  [
    withRule({ ...core, nonResourceURLs: ["/x"], verbs: ["get"] }),
    ".rules[0] needs either resources or nonResourceURLs",
  ],
];

describe("faultOf()", () => {
  it("finds none in what a cluster can give", () => assert.equal(faultOf(good), undefined));

  for (const [permission, want] of bad) {
    it(`says ${JSON.stringify(want.slice(0, 60))}`, () => {
      const fault = faultOf([...good, permission]) ?? "";
      assert.ok(fault.startsWith(`spec.permissions[${good.length}]${want}`), fault);
    });
  }
});
