import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gatewayIdentity } from "#api";
import type { User } from "../authentication/user.ts";
import { escapeKey, fieldOfText, textOfField, unescapeKey } from "./header-text.ts";
import { impersonationFields } from "./impersonation-fields.ts";
import { mapUser, type NamePolicy } from "./name-policy.ts";

const makeUser = (name: string, ...groups: readonly string[]): User => ({
  name,
  groups,
  extra: {},
});
const makePolicy = (policy: object = {}): NamePolicy => gatewayIdentity.parse(policy);

describe("mapUser()", () => {
  const users: readonly (readonly [name: string, policy: object, want: string | RegExp])[] = [
    ["ann", {}, "ann"],
    ["https://idp#7", {}, "https://idp#7"],
    ["system:serviceaccount:ci:bot", {}, "hub:serviceaccount:ci:bot"],
    ["system:serviceaccount:ci:bot", { prefix: "main:" }, "main:serviceaccount:ci:bot"],
    ["system:serviceaccount:ci:bot", { serviceAccounts: "Refuse" }, /ServiceAccounts of the hub/],
    ["hub:serviceaccount:ci:bot", {}, /begin with hub:/],
    ["system:admin", {}, /each cluster's own/],
    ["system:node:a", {}, /each cluster's own/],
    ["system:anonymous", {}, /each cluster's own/],
    ["system:serviceaccount:ci", {}, /each cluster's own/],
    ["system:serviceaccount:ci:bot:x", {}, /each cluster's own/],
    ["bob", { users: ["ann"] }, /"bob" is not among/],
    ["ann", { users: ["ann"] }, "ann"],
    ["system:serviceaccount:ci:bot", { users: ["ann"] }, /not among/],
    [
      "system:serviceaccount:ci:bot",
      { users: ["hub:serviceaccount:ci:bot"] },
      "hub:serviceaccount:ci:bot",
    ],
  ];
  for (const [name, policy, want] of users) {
    it(`${want instanceof RegExp ? "refuses" : `makes ${want} of`} ${name} with ${JSON.stringify(policy)}`, () => {
      const mapped = mapUser(makeUser(name), makePolicy(policy));
      if (want instanceof RegExp) assert.match(mapped.kind === "refused" ? mapped.why : "", want);
      else assert.equal(mapped.kind === "user" ? mapped.user.name : "", want);
    });
  }

  const groups: readonly (readonly [
    groups: readonly string[],
    policy: object,
    want: readonly string[],
  ])[] = [
    [["devs", "ops"], {}, ["devs", "ops"]],
    [["devs", "ops"], { groups: ["ops"] }, ["ops"]],
    [["devs"], { groups: [] }, []],
    [["system:authenticated", "system:masters", "system:nodes", "system:unauthenticated"], {}, []],
    [["system:masters"], { groups: ["system:masters", "*"] }, []],
    [
      ["system:serviceaccounts", "system:serviceaccounts:ci"],
      {},
      ["hub:serviceaccounts", "hub:serviceaccounts:ci"],
    ],
    [["system:serviceaccounts"], { serviceAccounts: "Refuse" }, []],
    [
      ["system:serviceaccounts:ci"],
      { groups: ["hub:serviceaccounts:ci"] },
      ["hub:serviceaccounts:ci"],
    ],
    [["hub:serviceaccounts:ci", "hub:masters"], {}, []],
    [["devs", "devs", ""], {}, ["devs"]],
  ];
  for (const [given, policy, want] of groups) {
    it(`carries ${want.join(" and ") || "none"} of ${given.join(", ")} with ${JSON.stringify(policy)}`, () => {
      const mapped = mapUser(makeUser("ann", ...given), makePolicy(policy));
      assert.deepEqual(mapped.kind === "user" ? mapped.user.groups : "", want);
    });
  }

  it("carries uid and extra, but nothing about the hub's credential", () => {
    const extra = {
      scopes: ["a"],
      "authentication.kubernetes.io/pod-name": ["p"],
      "acme.com/org": ["1"],
    };
    const user = { ...makeUser("ann"), uid: "7", extra };
    const all = mapUser(user, makePolicy());
    assert.deepEqual(all, {
      kind: "user",
      user: { ...user, extra: { scopes: ["a"], "acme.com/org": ["1"] } },
    });
    const some = mapUser(user, makePolicy({ extras: ["scopes"] }));
    assert.deepEqual(some.kind === "user" ? some.user.extra : "", { scopes: ["a"] });
  });
});

describe("impersonationFields()", () => {
  it("writes user, groups, uid and extra, without what API servers add", () => {
    const user: User = {
      name: "ann",
      uid: "7",
      groups: ["devs", "system:authenticated"],
      extra: { "Acme.com/Org (x)": ["a", ""] },
    };
    assert.deepEqual(impersonationFields(user), [
      "impersonate-user",
      "ann",
      "impersonate-group",
      "devs",
      "impersonate-uid",
      "7",
      "impersonate-extra-acme.com%2forg%20%28x%29",
      "a",
    ]);
  });
  it("carries names in UTF-8, byte by byte", () => {
    const [, value = ""] = impersonationFields(makeUser("jürgen\u{1f600}"));
    assert.equal(Buffer.from(value, "latin1").toString("utf8"), "jürgen\u{1f600}");
    assert.equal(textOfField(value), "jürgen\u{1f600}");
  });
  for (const name of [
    "",
    " ann",
    "ann ",
    "ann\r\nimpersonate-group: system:masters",
    "a\0",
    "a\tb",
    "a\x7f",
  ]) {
    it(`refuses ${JSON.stringify(name)}, which would arrive as another name`, () => {
      assert.throws(() => impersonationFields(makeUser(name)), { code: "forbidden" });
    });
  }
});

describe("textOfField(), fieldOfText(), escapeKey()", () => {
  it("know no text for bytes that are no UTF-8", () =>
    assert.equal(textOfField("\xff"), undefined));
  it("keep what is plain", () => assert.equal(fieldOfText("a b"), "a b"));
  for (const key of ["scopes", "acme.com/id", "a%b", "a(b)*'!~", "ü"]) {
    it(`bring ${key} back`, () => assert.equal(unescapeKey(escapeKey(key)), key));
  }
});
