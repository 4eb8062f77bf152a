import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { vouchedUser } from "./front-proxy.ts";
import { noTrust } from "./trust.ts";
import type { User } from "./user.ts";

const trust = {
  ...noTrust,
  userHeaders: ["x-remote-user"],
  groupHeaders: ["x-remote-group"],
  uidHeaders: ["x-remote-uid"],
  extraPrefixes: ["x-remote-extra-"],
};

interface Case {
  readonly headers: readonly string[];
  readonly want: User | undefined;
}

const cases: Readonly<Record<string, Case>> = {
  "reads name, groups, uid and extra in any case": {
    headers: [
      "X-Remote-User",
      "ann",
      "X-REMOTE-GROUP",
      "devs",
      "x-remote-group",
      "ops",
      "X-Remote-Uid",
      "7",
      "X-Remote-Extra-Scopes",
      "a",
      "x-remote-extra-scopes",
      "b",
    ],
    want: {
      name: "ann",
      uid: "7",
      groups: ["devs", "ops", "system:authenticated"],
      extra: { scopes: ["a", "b"] },
    },
  },
  "decodes the keys of extra, not their values": {
    headers: ["x-remote-user", "ann", "X-Remote-Extra-Acme.com%2Fid", "a%2Fb"],
    want: {
      name: "ann",
      groups: ["system:authenticated"],
      extra: { "acme.com/id": ["a%2Fb"] },
    },
  },
  "keeps a key whose escape is broken": {
    headers: ["x-remote-user", "ann", "x-remote-extra-a%zz", "1"],
    want: { name: "ann", groups: ["system:authenticated"], extra: { "a%zz": ["1"] } },
  },
  "finds nobody without a name": { headers: ["x-remote-group", "system:masters"], want: undefined },
  "finds nobody under an empty name": { headers: ["x-remote-user", ""], want: undefined },
};

describe("vouchedUser()", () => {
  for (const [name, { headers, want }] of Object.entries(cases)) {
    it(name, () => assert.deepEqual(vouchedUser(headers, trust), want));
  }

  it("reads no header that the hub has not named", () => {
    assert.equal(vouchedUser(["x-remote-user", "ann"], { ...trust, userHeaders: [] }), undefined);
  });
});
