import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isLongRunning, readManagedRequest } from "./managed-request.ts";

describe("a path on a managed cluster", () => {
  const paths: readonly (readonly [path: string, told: string])[] = [
    ["/api/v1/pods", "/v1   pods//"],
    ["/api/v1/namespaces", "/v1   namespaces//"],
    ["/api/v1/namespaces/a", "/v1 a a namespaces//"],
    ["/api/v1/namespaces/a/status", "/v1 a a namespaces/status/"],
    ["/api/v1/namespaces/a/finalize", "/v1 a a namespaces/finalize/"],
    ["/api/v1/namespaces/a/pods", "/v1 a  pods//"],
    ["/api/v1/namespaces/a/pods/b", "/v1 a b pods//"],
    ["/api/v1/namespaces/a/pods/b/log", "/v1 a b pods/log/"],
    ["/api/v1/namespaces/a/services/b:80/proxy/deep/path", "/v1 a b:80 services/proxy/"],
    ["/apis/apps/v1/namespaces/a/deployments/b/scale", "apps/v1 a b deployments/scale/"],
    [
      "/apis/rbac.authorization.k8s.io/v1/clusterroles/x",
      "rbac.authorization.k8s.io/v1  x clusterroles//",
    ],
    ["/api/v1/watch/namespaces/a/pods", "/v1 a  pods//"],
    ["/api/v1", "/   //"],
    ["/apis/apps", "/   //"],
    ["/healthz", "/   //"],
    ["", "/   //"],
    ["//", "/   //"],
  ];
  for (const [path, told] of paths) {
    it(`${path} is ${told.trim()}`, () => {
      const { group, version, namespace, name, resource, subresource } = readManagedRequest(
        "GET",
        path,
        "",
      );
      assert.equal(`${group}/${version} ${namespace} ${name} ${resource}/${subresource}/`, told);
    });
  }

  const verbs: readonly (readonly [method: string, path: string, query: string, verb: string])[] = [
    ["GET", "/api/v1/pods", "", "list"],
    ["GET", "/api/v1/pods", "?watch=true", "watch"],
    ["GET", "/api/v1/pods", "?watch=1&limit=5", "watch"],
    ["GET", "/api/v1/pods", "?watch=false", "list"],
    ["GET", "/api/v1/watch/pods", "", "watch"],
    ["GET", "/apis/apps/v1/watch/deployments", "", "watch"],
    ["GET", "/api/v1/namespaces/a/pods/b", "", "get"],
    ["HEAD", "/api/v1/namespaces/a/pods/b", "", "get"],
    ["DELETE", "/api/v1/namespaces/a/pods", "", "deletecollection"],
    ["DELETE", "/api/v1/namespaces/a/pods/b", "", "delete"],
    ["POST", "/api/v1/namespaces/a/pods", "", "create"],
    ["POST", "/api/v1/namespaces/a/pods/b/exec", "", "create"],
    ["PUT", "/api/v1/namespaces/a/pods/b", "", "update"],
    ["PATCH", "/api/v1/namespaces/a/pods/b/status", "", "patch"],
    ["GET", "/healthz", "", "get"],
    ["POST", "/version", "", "post"],
  ];
  for (const [method, path, query, verb] of verbs) {
    it(`${method} ${path}${query} is to ${verb}`, () => {
      assert.equal(readManagedRequest(method, path, query).verb, verb);
    });
  }

  it("may be one whose answer takes as long as it likes", () => {
    assert.equal(isLongRunning("/api/v1/namespaces/a/pods/b/log", "?follow=true"), true);
    assert.equal(isLongRunning("/api/v1/pods", "?watch=true"), true);
    assert.equal(isLongRunning("/api/v1/pods", ""), false);
  });
});
