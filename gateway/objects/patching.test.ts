import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { jsonPatch, mergePatch, PatchError } from "./patching.ts";

describe("mergePatch()", () => {
  // Cases of RFC 7396, appendix A.
  const cases: readonly (readonly [target: unknown, patch: unknown, want: unknown])[] = [
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [["a"], ["c"], ["c"]],
    [{ a: "b" }, ["c"], ["c"]],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: "b", c: null }, { a: "b" }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];
  for (const [target, patch, want] of cases) {
    it(`makes ${JSON.stringify(want)} of ${JSON.stringify(target)} by ${JSON.stringify(patch)}`, () => {
      assert.deepEqual(mergePatch(target, patch), want);
    });
  }

  it("changes nothing the second time", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (target, patch) => {
        const once = mergePatch(target, patch);
        assert.deepEqual(mergePatch(once, patch), once);
      }),
    );
  });
});

describe("jsonPatch()", () => {
  type Operation = Readonly<Record<string, unknown>>;
  const cases: Readonly<Record<string, readonly [unknown, readonly Operation[], unknown]>> = {
    "adds a member": [{ a: 1 }, [{ op: "add", path: "/b", value: 2 }], { a: 1, b: 2 }],
    "adds to a list": [{ a: [1, 3] }, [{ op: "add", path: "/a/1", value: 2 }], { a: [1, 2, 3] }],
    "adds at the end": [{ a: [1] }, [{ op: "add", path: "/a/-", value: 2 }], { a: [1, 2] }],
    "removes from a list": [{ a: [1, 2] }, [{ op: "remove", path: "/a/0" }], { a: [2] }],
    "replaces deep inside": [
      { a: [{ b: 1 }] },
      [{ op: "replace", path: "/a/0/b", value: 2 }],
      { a: [{ b: 2 }] },
    ],
    "replaces the whole": [{ a: 1 }, [{ op: "replace", path: "", value: [] }], []],
    moves: [{ a: 1 }, [{ op: "move", from: "/a", path: "/b" }], { b: 1 }],
    copies: [{ a: [1] }, [{ op: "copy", from: "/a", path: "/b" }], { a: [1], b: [1] }],
    "tests whole values": [
      { a: { b: [1], c: 2 } },
      [{ op: "test", path: "/a", value: { c: 2, b: [1] } }],
      { a: { b: [1], c: 2 } },
    ],
    "reads escapes": [{ "a/b~c": 1 }, [{ op: "remove", path: "/a~1b~0c" }], {}],
  };
  for (const [name, [target, operations, want]] of Object.entries(cases)) {
    it(name, () => assert.deepEqual(jsonPatch(target, operations), want));
  }

  const refused: Readonly<Record<string, readonly [unknown, unknown]>> = {
    "a patch that is no list": [{}, {}],
    "an operation that is no object": [{}, [1]],
    "an unknown operation": [{}, [{ op: "merge", path: "/a" }]],
    "a path that is no pointer": [{}, [{ op: "add", path: "a", value: 1 }]],
    "a value that is missing": [{}, [{ op: "add", path: "/a" }]],
    "a test that fails": [{ a: 1 }, [{ op: "test", path: "/a", value: 2 }]],
    "a place that does not exist": [{}, [{ op: "remove", path: "/a" }]],
    "a parent that does not exist": [{}, [{ op: "add", path: "/a/b", value: 1 }]],
    "a place beyond the end": [{ a: [] }, [{ op: "add", path: "/a/1", value: 1 }]],
    "a place with a leading zero": [{ a: [1, 2] }, [{ op: "remove", path: "/a/01" }]],
    "a move into itself": [{ a: { b: 1 } }, [{ op: "move", from: "/a", path: "/a/b" }]],
    "what every object inherits": [{}, [{ op: "test", path: "/__proto__/x", value: 1 }]],
  };
  for (const [name, [target, operations]] of Object.entries(refused)) {
    it(`refuses ${name}`, () => {
      assert.throws(() => jsonPatch(target, operations), PatchError);
    });
  }

  it("ends every patch in a value or a PatchError, and never touches its target", () => {
    const pointer = fc.constantFrom("", "/a", "/a/0", "/a/-", "/b/c", "/__proto__");
    const operation = fc.record({
      op: fc.constantFrom("add", "remove", "replace", "move", "copy", "test"),
      path: pointer,
      from: pointer,
      value: fc.jsonValue(),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 5 }), (operations) => {
        const target = { a: [1], b: { c: 2 } };
        try {
          jsonPatch(target, operations);
        } catch (error) {
          assert.ok(error instanceof PatchError, String(error));
        }
        assert.deepEqual(target, { a: [1], b: { c: 2 } });
      }),
    );
  });
});
