import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { deployments, namespaces, secrets } from "#api";
import { labelSelector, resourcePath, withQuery } from "./request.ts";

describe("resourcePath()", () => {
  const cases: Readonly<Record<string, readonly [got: string, want: string]>> = {
    "a core collection in all namespaces": [resourcePath(secrets), "/api/v1/secrets"],
    "a core object": [
      resourcePath(secrets, { namespace: "a", name: "b" }),
      "/api/v1/namespaces/a/secrets/b",
    ],
    "a cluster-scoped object": [resourcePath(namespaces, { name: "a" }), "/api/v1/namespaces/a"],
    "a subresource in a group": [
      resourcePath(deployments, { namespace: "a", name: "b", subresource: "status" }),
      "/apis/apps/v1/namespaces/a/deployments/b/status",
    ],
    "a hostile name": [resourcePath(namespaces, { name: "../x" }), "/api/v1/namespaces/..%2Fx"],
  };
  for (const [what, [got, want]] of Object.entries(cases)) {
    it(`names ${what}`, () => assert.equal(got, want));
  }
});

describe("withQuery()", () => {
  it("leaves out what is not asked", () => {
    assert.equal(withQuery("/x", { watch: true, limit: undefined }), "/x?watch=true");
    assert.equal(withQuery("/x", {}), "/x");
  });
});

describe("labelSelector()", () => {
  it("joins values and bare keys", () => {
    assert.equal(labelSelector({ a: "b", "c/d": undefined }), "a=b,c/d");
  });
});
