import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ClusterGateway } from "#api";
import { createChangeLog } from "../clusters/change-log.ts";
import { makeGateway } from "../under-test/make-gateway.ts";
import { parseListOptions } from "./list-options.ts";
import { pageOf } from "./paging.ts";

/** A store at version 9 that began at 5 with a, b and c; since then b was changed, c went and d came. */
function makeStore() {
  const changes = createChangeLog<ClusterGateway>(() => "5");
  const [b, c] = [makeGateway("b", "2"), makeGateway("c", "3")];
  const changed = makeGateway("b", "7", { tier: "gold" });
  const append = (
    type: "ADDED" | "MODIFIED" | "DELETED",
    item: ClusterGateway,
    before: ClusterGateway | undefined,
    resourceVersion: string,
  ) => changes.append({ type, item, before, resourceVersion, isOutOfOrder: false });
  append("MODIFIED", changed, b, "7");
  append("DELETED", c, c, "8");
  append("ADDED", makeGateway("d", "9"), undefined, "9");
  const list = () => [makeGateway("a", "1"), changed, makeGateway("d", "9")];
  return { changes, list, version: () => "9" };
}

const page = (query: string) =>
  pageOf(makeStore(), parseListOptions(new URLSearchParams(query), false));
const names = (query: string) =>
  page(query).items.map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion ?? ""}`);

describe("pageOf()", () => {
  it("gives all that is there, as of now", () => {
    assert.deepEqual(names(""), ["a@1", "b@7", "d@9"]);
    assert.equal(page("").resourceVersion, "9");
    assert.equal(page("").continue, undefined);
  });

  it("gives what was there at a version that is remembered", () => {
    const exact = (version: number) =>
      names(`resourceVersion=${version}&resourceVersionMatch=Exact`);
    assert.deepEqual(exact(7), ["a@1", "b@7", "c@3"]);
    assert.deepEqual(exact(5), ["a@1", "b@2", "c@3"]);
    assert.throws(() => exact(4), { code: "expired" });
  });

  it("goes through pages of one moment, whatever happens in between", () => {
    const first = page("limit=2");
    assert.deepEqual([first.items.length, first.remainingItemCount], [2, 1]);
    const rest = page(`limit=2&continue=${first.continue ?? ""}`);
    assert.deepEqual(
      rest.items.map(({ metadata }) => metadata.name),
      ["d"],
    );
    const old = Buffer.from(JSON.stringify({ v: "5", after: "a" })).toString("base64url");
    assert.deepEqual(names(`continue=${old}`), ["b@2", "c@3"]);
  });

  it("says how to have the rest as it is now, when that moment is forgotten", () => {
    const old = Buffer.from(JSON.stringify({ v: "1", after: "a" })).toString("base64url");
    let token = "";
    assert.throws(
      () => page(`continue=${old}`),
      (error: { code: string; details: { continue: string } }) => {
        token = error.details.continue;
        return error.code === "expired";
      },
    );
    assert.deepEqual(names(`continue=${token}`), ["b@7", "d@9"]);
  });

  it("counts what is left only where nothing selects", () => {
    const { remainingItemCount, items } = page("limit=1&labelSelector=tier!%3Dgold");
    assert.deepEqual([items.length, remainingItemCount], [1, undefined]);
  });

  for (const token of [
    "nonsense",
    "e30",
    Buffer.from('{"v":"x","after":""}').toString("base64url"),
  ]) {
    it(`refuses the token "${token}"`, () => {
      assert.throws(() => page(`continue=${token}`), { code: "bad_request" });
    });
  }
});

describe("parseListOptions()", () => {
  const refused: Readonly<Record<string, string>> = {
    "resourceVersionMatch=Exact": "invalid",
    "resourceVersionMatch=Newest&resourceVersion=1": "invalid",
    "resourceVersionMatch=Exact&resourceVersion=0": "invalid",
    "resourceVersionMatch=Exact&resourceVersion=1&continue=x": "invalid",
    "sendInitialEvents=true": "invalid",
    "resourceVersion=abc": "bad_request",
    "limit=-1": "bad_request",
    "timeoutSeconds=1.5": "bad_request",
  };
  for (const [query, code] of Object.entries(refused)) {
    it(`refuses a list with "${query}"`, () => {
      assert.throws(() => parseListOptions(new URLSearchParams(query), false), { code });
    });
  }

  for (const query of ["sendInitialEvents=true", "resourceVersionMatch=NotOlderThan"]) {
    it(`refuses a watch with "${query}"`, () => {
      assert.throws(() => parseListOptions(new URLSearchParams(query), true), { code: "invalid" });
    });
  }
});
