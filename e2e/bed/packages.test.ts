import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { missingPackages } from "./packages.ts";

describe("missingPackages()", () => {
  it("takes for installed only what dpkg calls so", () => {
    const printed = [
      "socat install ok installed",
      "runc deinstall ok config-files",
      "nftables unknown ok not-installed",
      "",
    ].join("\n");
    assert.deepEqual(missingPackages(["socat", "runc", "nftables", "gcc"], printed), [
      "runc",
      "nftables",
      "gcc",
    ]);
  });
});
