import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseLabels } from "./label-set.ts";

describe("parseLabels()", () => {
  it("reads several", () =>
    assert.deepEqual(parseLabels("l", "k8s-app=konnectivity-server, a.b/c="), {
      "k8s-app": "konnectivity-server",
      "a.b/c": "",
    }));
  for (const text of ["", "a", "=b", "a=b,,c=d", "a==b"]) {
    it(`refuses "${text}"`, () =>
      assert.throws(() => parseLabels("lease-label", text), {
        name: "UsageError",
        message: /--lease-label=.*expected labels such as a=b,c=d/,
      }));
  }
});
