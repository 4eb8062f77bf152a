import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { clusterManagementAddOn } from "#api";
import { makeSource, makeWidget } from "../../testdata/makers.ts";
import { planHashes } from "./management-plan.ts";

const reference = (specHash: string) => ({
  group: "test",
  resource: "widgets",
  desiredConfig: { name: "a", specHash },
});
const source = makeSource([makeWidget("a", "h1")]);
const makeManagement = (status: Record<string, unknown>) =>
  clusterManagementAddOn.parse({ metadata: { name: "x" }, status });

describe("planHashes()", () => {
  for (const field of ["defaultConfigReferences", "defaultconfigReferences"]) {
    it(`fills in the hash where a version keeps it, in ${field}`, () => {
      const addon = makeManagement({ [field]: [reference("")] });
      assert.deepEqual(planHashes(addon, source), { [field]: [reference("h1")] });
    });
  }

  it("fills it in where the addon is being installed, and keeps the rest of it", () => {
    const progression = { namespace: "n", name: "placement", conditions: [] };
    const addon = makeManagement({
      installProgressions: [{ ...progression, configReferences: [reference("old")] }],
    });
    assert.deepEqual(planHashes(addon, source), {
      installProgressions: [{ ...progression, configReferences: [reference("h1")] }],
    });
  });

  it("is nothing when all hashes are right", () => {
    const addon = makeManagement({ defaultConfigReferences: [reference("h1")] });
    assert.equal(planHashes(addon, source), undefined);
  });

  it("leaves references alone to what does not exist or is not ours", () => {
    const addon = makeManagement({
      defaultConfigReferences: [
        { ...reference("x"), group: "other" },
        { ...reference("y"), desiredConfig: { name: "b", specHash: "y" } },
        { group: "test", resource: "widgets" },
      ],
    });
    assert.equal(planHashes(addon, makeSource()), undefined);
  });
});
