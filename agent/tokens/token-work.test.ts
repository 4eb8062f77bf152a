import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Caches, unsynced } from "./token-work.ts";

/** Caches of which those know all that there is. */
function cachesOf(known: Readonly<Record<keyof Caches, boolean>>): Caches {
  const entries = Object.entries(known).map(([name, isSynced]) => [name, { name, isSynced }]);
  return Object.fromEntries(entries) as Caches;
}

describe("unsynced()", () => {
  const cases = [
    [{ accounts: true, secrets: true, serviceAccounts: true }, undefined],
    [{ accounts: true, secrets: false, serviceAccounts: true }, "waiting for secrets"],
    [
      { accounts: false, secrets: true, serviceAccounts: false },
      "waiting for accounts, serviceAccounts",
    ],
  ] as const;
  for (const [known, told] of cases) {
    it(`says ${told ?? "nothing"}, so that nobody is called ready too soon`, () => {
      assert.equal(unsynced(cachesOf(known)), told);
    });
  }
});
