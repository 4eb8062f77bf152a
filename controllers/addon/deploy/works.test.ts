import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Manifest } from "#api";
import { makeManifest, makeWork } from "../../testdata/makers.ts";
import { splitIntoWorks } from "./works.ts";

/** About `bytes` long. */
function sized(name: string, bytes: number): Manifest {
  return makeManifest(name, { data: { x: "x".repeat(bytes) } });
}

function split(manifests: readonly Manifest[], observed = [] as ReturnType<typeof makeWork>[]) {
  return splitIntoWorks("w-", manifests, observed, 1_000).map(({ name, manifests: inside }) => [
    name,
    inside.map(({ metadata }) => metadata.name),
  ]);
}

describe("splitIntoWorks()", () => {
  it("makes one work of what fits into one, in the order given", () => {
    assert.deepEqual(split([sized("a", 100), sized("b", 300)]), [["w-0", ["a", "b"]]]);
  });

  it("makes no work of nothing", () => {
    assert.deepEqual(split([], [makeWork("w-0", [sized("a", 10)])]), []);
  });

  it("starts another work when one is full", () => {
    const want = [
      ["w-0", ["a"]],
      ["w-1", ["b"]],
    ];
    assert.deepEqual(split([sized("a", 600), sized("b", 500)]), want);
  });

  it("leaves manifests where they are, though another order would need fewer works", () => {
    const observed = [makeWork("w-0", [sized("a", 100)]), makeWork("w-1", [sized("b", 100)])];
    const want = [
      ["w-0", ["a"]],
      ["w-1", ["b", "c"]],
    ];
    assert.deepEqual(split([sized("a", 300), sized("b", 100), sized("c", 100)], observed), want);
  });

  it("drops a work whose last manifest is gone, and keeps the numbers of the others", () => {
    const observed = [makeWork("w-0", [sized("a", 100)]), makeWork("w-1", [sized("b", 100)])];
    assert.deepEqual(split([sized("b", 100)], observed), [["w-1", ["b"]]]);
  });

  it("moves out what no longer fits where it was", () => {
    const observed = [makeWork("w-0", [sized("a", 100), sized("b", 100)])];
    const want = [
      ["w-0", ["a"]],
      ["w-1", ["b"]],
    ];
    assert.deepEqual(split([sized("a", 800), sized("b", 700)], observed), want);
  });

  it("sends a manifest that fits nowhere by itself", () => {
    assert.deepEqual(split([sized("a", 5_000), sized("b", 10)]), [
      ["w-0", ["a"]],
      ["w-1", ["b"]],
    ]);
  });

  it("ignores works of other names", () => {
    const observed = [makeWork("w-pre-delete", [sized("a", 100)])];
    assert.deepEqual(split([sized("a", 100)], observed), [["w-0", ["a"]]]);
  });
});
