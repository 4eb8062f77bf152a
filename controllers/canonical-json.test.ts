import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { canonicalJson, isContained, isSame } from "./canonical-json.ts";

describe("canonicalJson()", () => {
  it("does not depend on the order of keys, at any depth", () => {
    assert.equal(canonicalJson({ b: [{ d: 1, c: 2 }], a: null }), '{"a":null,"b":[{"c":2,"d":1}]}');
  });
});

describe("isSame()", () => {
  it("takes a key without a value for no key", () => {
    assert.ok(isSame({ a: 1, b: undefined }, { a: 1 }));
    assert.ok(!isSame({ a: 1 }, { a: 2 }));
  });
});

describe("isContained()", () => {
  const cases: Readonly<Record<string, readonly [unknown, unknown, boolean]>> = {
    "allows more fields in what is observed": [{ a: { b: 1 } }, { a: { b: 1, c: 2 }, d: 3 }, true],
    "sees a field that differs": [{ a: { b: 1 } }, { a: { b: 2 } }, false],
    "sees a field that is missing": [{ a: 1 }, {}, false],
    "asks nothing where nothing is wanted": [{ a: undefined }, {}, true],
    "does not allow more entries in a list": [{ a: [1] }, { a: [1, 2] }, false],
    "allows more fields in the entries of a list": [[{ a: 1 }], [{ a: 1, b: 2 }], true],
    "does not take an object for a value": [{ a: { b: 1 } }, { a: "x" }, false],
  };
  for (const [name, [wanted, observed, want]] of Object.entries(cases)) {
    it(name, () => assert.equal(isContained(wanted, observed), want));
  }
});
