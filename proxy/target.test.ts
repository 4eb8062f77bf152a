import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { forwardPath, parseTarget, splitPath } from "./target.ts";

describe("parseTarget()", () => {
  it("keeps path and query byte for byte", () => {
    assert.deepEqual(parseTarget("/a%2Fb//c/?x=1&y=%20;z=+&x=2?"), {
      path: "/a%2Fb//c/",
      query: "?x=1&y=%20;z=+&x=2?",
    });
  });
  it("tells an empty query from none", () => {
    assert.deepEqual([parseTarget("/a?").query, parseTarget("/a").query], ["?", ""]);
  });
  for (const target of ["*", "http://hub/a", "", "a"]) {
    it(`refuses "${target}"`, () =>
      assert.throws(() => parseTarget(target), { code: "bad_target" }));
  }
});

describe("splitPath()", () => {
  const prefix = "/apis/g/v1/clustergateways/managed1/proxy";
  const cases: Readonly<Record<string, readonly [path: string, last: string, rest: string]>> = {
    "leaves nothing of the bare prefix": [prefix, "proxy", ""],
    "keeps a trailing slash": [`${prefix}/`, "proxy", "/"],
    "keeps encoded slashes of the rest": [`${prefix}/a%2Fb/`, "proxy", "/a%2Fb/"],
    "keeps doubled slashes of the rest": [`${prefix}//a`, "proxy", "//a"],
    "decodes the segments that it takes": [prefix.replace("proxy", "pro%78y"), "proxy", ""],
    "never makes two segments of an encoded slash": ["/apis/g/v1/x%2Fy/z/proxy/a", "proxy", "/a"],
  };
  for (const [name, [path, last, rest]] of Object.entries(cases)) {
    it(name, () => {
      const split = splitPath(path, 6);
      assert.deepEqual([split.segments.at(-1), split.rest], [last, rest]);
    });
  }
  it("takes fewer when there are fewer", () => {
    assert.deepEqual(splitPath("/apis", 6), { segments: ["apis"], rest: "" });
  });
});

describe("forwardPath()", () => {
  const kept: Readonly<Record<string, readonly [rest: string, base: string, want: string]>> = {
    "an empty rest is the root": ["", "", "/"],
    "a trailing slash stays": ["/api/", "", "/api/"],
    "an encoded slash stays": ["/a%2fb%2Fc", "", "/a%2fb%2Fc"],
    "dots inside a name stay": ["/a..b/.c/...", "", "/a..b/.c/..."],
    "a twice encoded dot stays, being a name": ["/%252e%252e/x", "", "/%252e%252e/x"],
    "a base path comes first": ["/api", "/k8s/clusters/c-1/", "/k8s/clusters/c-1/api"],
    "an escape that is not UTF-8 stays": ["/%ff", "", "/%ff"],
  };
  for (const [name, [rest, base, want]] of Object.entries(kept)) {
    it(name, () => assert.equal(forwardPath(rest, base), want));
  }
  const refused: readonly string[] = [
    "/..",
    "/a/../b",
    "/a/%2e%2e/b",
    "/a/.%2E/b",
    "/a%2f..%2fb",
    "/a/./b",
    "/a/%2e",
    "/a\\..\\b",
    "/a%5c..",
    "/a%00b",
    "/a%0d%0ab",
    "/a%zz",
    "/a%2",
  ];
  for (const path of refused) {
    it(`refuses ${path}`, () => assert.throws(() => forwardPath(path), { code: "bad_target" }));
  }
});
