import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseFeatureGates } from "./feature-gates.ts";

const defaults = { EphemeralIdentity: false, ClusterProfile: false } as const;

describe("parseFeatureGates()", () => {
  it("fills in the defaults", () => assert.deepEqual(parseFeatureGates([], defaults), defaults));

  it("reads what is named", () => {
    const got = parseFeatureGates(["EphemeralIdentity=true", "ClusterProfile=false"], defaults);
    assert.deepEqual(got, { EphemeralIdentity: true, ClusterProfile: false });
  });

  it("sets all that are not named with AllAlpha", () => {
    const got = parseFeatureGates(["AllAlpha=true", "ClusterProfile=false"], defaults);
    assert.deepEqual(got, { EphemeralIdentity: true, ClusterProfile: false });
  });

  for (const text of ["Nope=true", "EphemeralIdentity", "EphemeralIdentity=maybe"]) {
    it(`refuses ${text}`, () => {
      assert.throws(() => parseFeatureGates([text], defaults), { name: "UsageError" });
    });
  }
});
