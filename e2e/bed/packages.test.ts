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
    const wanted = ["socat", "runc", "nftables", "gcc"].map((name) => ({ name }));
    assert.deepEqual(missingPackages(wanted, printed), ["runc", "nftables", "gcc"]);
  });

  it("is content with an alternative", () => {
    const wanted = [{ name: "containerd", alternatives: ["containerd.io"] }];
    assert.deepEqual(missingPackages(wanted, "containerd.io install ok installed\n"), []);
    assert.deepEqual(missingPackages(wanted, ""), ["containerd"]);
  });
});
