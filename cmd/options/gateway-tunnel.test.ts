import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { UsageError } from "./flags.ts";
import { parseService } from "./gateway-tunnel.ts";

describe("parseService()", () => {
  it("reads a Service, or none", () => {
    assert.equal(parseService(""), undefined);
    assert.deepEqual(parseService("hub-1/proxy-entrypoint"), {
      namespace: "hub-1",
      service: "proxy-entrypoint",
    });
  });

  for (const text of ["proxy-entrypoint", "/a", "a/", "a/b/c", "a.b", "A/b"]) {
    it(`refuses "${text}" and says what is expected`, () => {
      assert.throws(() => parseService(text), UsageError);
      assert.throws(() => parseService(text), /--proxy-service=.*expected NAMESPACE\/NAME/);
    });
  }
});
