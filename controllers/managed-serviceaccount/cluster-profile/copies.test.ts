import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isSharedWith, syncedFromOf } from "./copies.ts";
import { makeSharedAccount } from "./testdata/makers.ts";

const only = (namespaces: string) => ({
  annotations: {
    "authentication.open-cluster-management.io/clusterprofile-namespaces": namespaces,
  },
});

const cases: Readonly<Record<string, readonly [metadata: object, want: boolean]>> = {
  "an account with the label is": [{}, true],
  "an account without the label is not": [{ labels: {} }, false],
  "an account that is going is not": [{ deletionTimestamp: "2026-01-01T00:00:00Z" }, false],
  "an account may name the namespaces": [only("team-b, team-a"), true],
  "and is then shared with no other": [only("team-b"), false],
  "an empty list names none": [only(""), false],
};

describe("isSharedWith()", () => {
  for (const [name, [metadata, want]] of Object.entries(cases)) {
    it(name, () => {
      assert.equal(isSharedWith(makeSharedAccount("ci", metadata), "team-a"), want);
    });
  }
});

describe("syncedFromOf()", () => {
  it("is the name of the copy while a label can hold it, and else tells names apart", () => {
    const name = `c1-${"a".repeat(60)}`;
    assert.equal(syncedFromOf(name), name);
    const [one, two] = [syncedFromOf(`${name}b`), syncedFromOf(`${name}c`)];
    assert.notEqual(one, two);
    assert.ok(one.length <= 63);
  });
});
