import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { clusterManagementAddOn, managedClusterSetBinding } from "#api";
import { planBinding } from "./set-binding.ts";

const addon = clusterManagementAddOn.parse({ metadata: { name: "cluster-proxy", uid: "u1" } });
const ports = { namespace: "addons", version: "v1beta1" } as const;
const wanted = planBinding(ports, addon, undefined);
const withOwners = (uids: readonly string[], labels = wanted?.metadata.labels) =>
  managedClusterSetBinding.parse({
    metadata: {
      name: "global",
      namespace: "addons",
      labels,
      ownerReferences: uids.map((uid) => ({ apiVersion: "v1", kind: "x", name: "x", uid })),
    },
    spec: { clusterSet: "global" },
  });

describe("planBinding()", () => {
  it("binds the global set in our namespace, owned by the addon", () => {
    assert.deepEqual(wanted?.spec, { clusterSet: "global" });
    assert.equal(`${wanted.metadata.namespace}/${wanted.metadata.name}`, "addons/global");
    assert.deepEqual(wanted.metadata.ownerReferences, [
      {
        apiVersion: "addon.open-cluster-management.io/v1beta1",
        kind: "ClusterManagementAddOn",
        name: "cluster-proxy",
        uid: "u1",
      },
    ]);
  });

  it("joins the owners of a binding that another addon made", () => {
    assert.deepEqual(planBinding(ports, addon, withOwners(["u2"])), wanted);
  });

  it("does nothing once the addon is an owner", () => {
    assert.equal(planBinding(ports, addon, withOwners(["u2", "u1"])), undefined);
  });

  it("leaves a binding alone that an administrator made", () => {
    assert.equal(planBinding(ports, addon, withOwners([], {})), undefined);
  });
});
