import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { specHash } from "./spec-hash.ts";

const sha = (text: string): string => createHash("sha256").update(text).digest("hex");

describe("specHash()", () => {
  it("is of everything but type, metadata and status, with keys in order", () => {
    const object = {
      apiVersion: "v1",
      kind: "Any",
      metadata: { name: "x", generation: 9 },
      status: { a: 1 },
      spec: { b: [2], a: "x" },
      data: {},
    };
    assert.equal(specHash(object), sha('{"data":{},"spec":{"a":"x","b":[2]}}'));
  });

  it("escapes what Go escapes", () => {
    const object = { metadata: { name: "x" }, spec: "<a>&\u2028" };
    assert.equal(specHash(object), sha(String.raw`{"spec":"\u003ca\u003e\u0026\u2028"}`));
  });
});
