import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { rewriteLocation } from "./location.ts";

const view = { authorities: ["managed1", "10.0.0.1:6443"], basePath: "", publicPath: "/c/proxy" };
const based = { ...view, basePath: "/k8s/clusters/x/" };

const cases: Readonly<Record<string, readonly [view: typeof view, value: string, want: string]>> = {
  "leads a path to where clients find it": [view, "/foo/?a=b", "/c/proxy/foo/?a=b"],
  "keeps encoded slashes and trailing slashes": [view, "/a%2Fb//c/", "/c/proxy/a%2Fb//c/"],
  "leads an address at the upstream there too": [view, "https://managed1/foo", "/c/proxy/foo"],
  "counts the port of an authority": [view, "https://10.0.0.1:6443/x#y", "/c/proxy/x#y"],
  "takes the default port for none": [view, "https://MANAGED1:443/x", "/c/proxy/x"],
  "gives an address without a path one": [view, "https://managed1?a", "/c/proxy/?a"],
  "knows an address without a scheme": [view, "//managed1/foo", "/c/proxy/foo"],
  "lets other hosts be": [view, "https://example.org/foo", "https://example.org/foo"],
  "lets another port be": [view, "https://10.0.0.1:80/foo", "https://10.0.0.1:80/foo"],
  "lets a relative reference be": [view, "next?page=2", "next?page=2"],
  "takes the base path away": [based, "/k8s/clusters/x/foo", "/c/proxy/foo"],
  "takes no half of a segment away": [based, "/k8s/clusters/xy", "/c/proxy/k8s/clusters/xy"],
  "knows the base path itself": [based, "/k8s/clusters/x", "/c/proxy"],
};

describe("rewriteLocation()", () => {
  for (const [name, [given, value, want]] of Object.entries(cases)) {
    it(name, () => assert.equal(rewriteLocation(value, given), want));
  }
});
