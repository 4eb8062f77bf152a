import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { managedServiceAccount } from "#api";
import { readValidity } from "./validity.ts";

function makeAccount(spec: object | undefined) {
  return managedServiceAccount.parse({ metadata: { name: "reader" }, spec });
}

describe("readValidity()", () => {
  const usable: Readonly<Record<string, number>> = {
    "8640h0m0s": 31_104_000,
    "10m": 600,
    "10m0.9s": 600,
    "1193046h": 4_294_965_600,
  };
  for (const [validity, seconds] of Object.entries(usable)) {
    it(`reads ${validity}`, () => {
      const account = makeAccount({ rotation: { validity } });
      assert.deepEqual(readValidity(account), { kind: "usable", seconds });
    });
  }

  it("reads 360 days where nothing is said", () => {
    const want = { kind: "usable", seconds: 31_104_000 };
    assert.deepEqual(readValidity(makeAccount({ rotation: {} })), want);
    assert.deepEqual(readValidity(makeAccount(undefined)), want);
  });

  const refused: Readonly<Record<string, RegExp>> = {
    "9m59s": /less than 10m/,
    "-1h": /less than 10m/,
    "1193047h": /more than 1193046h/,
    soon: /no duration/,
    "": /no duration/,
  };
  for (const [validity, rule] of Object.entries(refused)) {
    it(`names field, value and rule for "${validity}"`, () => {
      const got = readValidity(makeAccount({ rotation: { validity } }));
      assert.equal(got.kind, "unusable");
      assert.match(got.message, rule);
      assert.ok(got.message.startsWith(`spec.rotation.validity "${validity}" `));
    });
  }
});
