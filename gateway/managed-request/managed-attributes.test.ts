import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { managedAttributes } from "./managed-attributes.ts";

/** Shortly: verb, then group/version/resource/subresource, namespace and name; or verb and path. */
function shown(method: string, target: string): string {
  const at = target.indexOf("?");
  const path = at < 0 ? target : target.slice(0, at);
  const found = managedAttributes(method, path, at < 0 ? "" : target.slice(at));
  if (found.kind === "path") return `${found.verb} ${found.path}`;
  const { verb, group, version, resource, subresource, namespace = "-", name } = found;
  return `${verb} ${[group, version, resource, subresource].join("/")} ${namespace} ${name}`.trim();
}

describe("managedAttributes()", () => {
  const cases: readonly (readonly [method: string, target: string, want: string])[] = [
    ["GET", "/api/v1/pods", "list /v1/pods/ -"],
    ["HEAD", "/api/v1/pods", "list /v1/pods/ -"],
    ["GET", "/api/v1/pods?watch=1", "watch /v1/pods/ -"],
    ["GET", "/api/v1/pods?watch=false", "list /v1/pods/ -"],
    ["GET", "/api/v1/namespaces/a/pods/b", "get /v1/pods/ a b"],
    ["GET", "/api/v1/namespaces/a/pods/b?watch=true", "get /v1/pods/ a b"],
    ["GET", "/api/v1/namespaces/a/pods/b/log", "get /v1/pods/log a b"],
    ["POST", "/api/v1/namespaces/a/pods/b/exec", "create /v1/pods/exec a b"],
    ["POST", "/api/v1/namespaces/a/pods", "create /v1/pods/ a"],
    ["DELETE", "/api/v1/namespaces/a/pods", "deletecollection /v1/pods/ a"],
    ["DELETE", "/api/v1/namespaces/a/pods/b", "delete /v1/pods/ a b"],
    [
      "PUT",
      "/apis/apps/v1/namespaces/a/deployments/b/scale",
      "update apps/v1/deployments/scale a b",
    ],
    ["PATCH", "/apis/apps/v1/namespaces/a/deployments/b", "patch apps/v1/deployments/ a b"],
    ["GET", "/api/v1/namespaces", "list /v1/namespaces/ -"],
    ["GET", "/api/v1/namespaces/a", "get /v1/namespaces/ a a"],
    ["PUT", "/api/v1/namespaces/a/finalize", "update /v1/namespaces/finalize a a"],
    ["GET", "/api/v1/namespaces/a/services/b/proxy/x/y", "get /v1/services/proxy a b"],
    ["GET", "/api/v1/watch/namespaces/a/pods", "watch /v1/pods/ a"],
    ["GET", "/api/v1/proxy/nodes/n", "proxy /v1/nodes/ - n"],
    ["GET", "/api/v1/secrets?fieldSelector=metadata.name%3Dx", "list /v1/secrets/ - x"],
    ["GET", "/api/v1/secrets?fieldSelector=metadata.name!%3Dx", "list /v1/secrets/ -"],
    ["GET", "/api/v1/pods/", "list /v1/pods/ -"],
    ["GET", "/api/v1/namespaces/a%2Fsecrets", "list /v1/secrets/ a"],
    ["GET", "/api/v1/name%73paces/a/secrets/b", "get /v1/secrets/ a b"],
    ["GET", "", "get /"],
    ["GET", "/healthz", "get /healthz"],
    ["GET", "/api", "get /api"],
    ["GET", "/apis/apps/v1", "get /apis/apps/v1"],
    ["POST", "/logs/x", "post /logs/x"],
    ["OPTIONS", "/api/v1/namespaces/a/pods/b", "/v1/pods/ a b"],
  ];
  for (const [method, target, want] of cases) {
    it(`reads ${method} ${target} as ${want}`, () => assert.equal(shown(method, target), want));
  }
  for (const target of [
    "/api//v1/secrets",
    "//api/v1/secrets",
    "/api/v1/%2fsecrets",
    "/api/%zz",
    "/api/v1/a/%ff",
  ]) {
    it(`refuses ${target}, which two readers read in two ways`, () => {
      assert.throws(() => managedAttributes("GET", target, ""), { code: "bad_request" });
    });
  }
});
