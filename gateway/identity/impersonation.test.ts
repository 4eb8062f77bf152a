import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { User } from "../authentication/user.ts";
import type { Attributes } from "../authorization/attributes.ts";
import { grantWish, readWish } from "./impersonation.ts";

const ann: User = { name: "ann", groups: [], extra: {} };

describe("readWish()", () => {
  it("finds none without such fields", () => {
    assert.equal(readWish(["accept", "impersonate-user", "x-impersonate-user", "root"]), undefined);
  });
  it("reads user, groups, uid and extra in any case", () => {
    const wish = readWish([
      "IMPERSONATE-USER",
      "bob",
      "Impersonate-Group",
      "devs",
      "impersonate-group",
      "ops",
      "Impersonate-Uid",
      "9",
      "Impersonate-Extra-Acme%2FId",
      "x",
      "impersonate-extra-acme%2fid",
      "y",
    ]);
    assert.deepEqual(wish, {
      user: {
        name: "bob",
        uid: "9",
        groups: ["devs", "ops", "system:authenticated"],
        extra: { "acme/id": ["x", "y"] },
      },
      namedGroups: ["devs", "ops"],
    });
  });
  it("adds the groups that come with an account's name", () => {
    const wish = readWish(["impersonate-user", "system:serviceaccount:ci:bot"]);
    assert.deepEqual(wish?.user.groups, [
      "system:serviceaccounts",
      "system:serviceaccounts:ci",
      "system:authenticated",
    ]);
    assert.deepEqual(wish.namedGroups, []);
  });
  const unclear: Readonly<Record<string, readonly string[]>> = {
    "two users": ["impersonate-user", "a", "Impersonate-User", "b"],
    "two uids": ["impersonate-user", "a", "impersonate-uid", "1", "impersonate-uid", "2"],
    "a group without a user": ["impersonate-group", "system:masters"],
    "an empty user": ["impersonate-user", ""],
    "an unknown field": ["impersonate-user", "a", "impersonate-role", "b"],
    "an underscore": ["impersonate_user", "root"],
    "bytes that are no UTF-8": ["impersonate-user", "\xff"],
  };
  for (const [what, headers] of Object.entries(unclear)) {
    it(`refuses ${what}`, () => assert.throws(() => readWish(headers), { code: "bad_request" }));
  }
});

describe("grantWish()", () => {
  it("asks the hub about everything that is wished, as an API server does", async () => {
    const asked: Attributes[] = [];
    const wish = readWish([
      "impersonate-user",
      "system:serviceaccount:ci:bot",
      "impersonate-group",
      "ops",
      "impersonate-uid",
      "9",
      "impersonate-extra-scopes",
      "a",
    ]);
    assert.ok(wish !== undefined);
    await grantWish(wish, ann, (user, attributes) => {
      assert.equal(user.name, "ann");
      asked.push(attributes);
      return undefined;
    });
    const shown = asked.map((question) => {
      assert.ok(question.kind === "resource" && question.verb === "impersonate");
      const { group, resource, subresource, namespace = "", name } = question;
      return [group, resource, subresource, namespace, name].join("|");
    });
    assert.deepEqual(shown, [
      "|serviceaccounts||ci|bot",
      "|groups|||ops",
      "authentication.k8s.io|uids|||9",
      "authentication.k8s.io|userextras|scopes||a",
    ]);
  });
  it("is refused when one part of it is", async () => {
    const wish = readWish(["impersonate-user", "a", "impersonate-group", "system:masters"]);
    assert.ok(wish !== undefined);
    const refused = grantWish(wish, ann, async (_user, attributes) => {
      if (attributes.kind === "resource" && attributes.resource === "groups") throw new Error("no");
    });
    await assert.rejects(refused, /no/);
  });
});
