import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { describe, it } from "node:test";
import type { ConfigMap } from "#api";
import type { CacheChange } from "#kube";
import { createPassStore } from "./pass-store.ts";

const now = Date.parse("2026-01-01T00:00:00Z");
const later = "2026-01-01T01:00:00Z";
const earlier = "2025-12-31T23:59:59Z";

const line = (token: string, expiry = later) => `${hash("sha256", token, "hex")} ${expiry}`;

function pass(name: string, cluster: string, ...tokens: readonly string[]): ConfigMap {
  const data = { cluster, account: `${cluster}/${name}`, tokens: tokens.join("\n") };
  return { metadata: { name: `${cluster}.${name}`, namespace: "gw" }, data };
}

/** A store, and how it hears of ConfigMaps. */
function setUp(...passes: readonly ConfigMap[]) {
  let tell: (change: CacheChange<ConfigMap>) => void = () => undefined;
  const store = createPassStore(
    {
      onChange(listener) {
        tell = listener;
        return () => undefined;
      },
    },
    () => now,
  );
  const put = (after: ConfigMap) => tell({ key: after.metadata.name, before: undefined, after });
  const drop = (before: ConfigMap) => tell({ key: before.metadata.name, before, after: undefined });
  for (const one of passes) put(one);
  const find = (cluster: string, authorization: string) =>
    store.find({ headers: ["Accept", "*/*", "AUTHORIZATION", authorization] }, cluster);
  return { find, put, drop, store };
}

describe("createPassStore()", () => {
  it("finds the token of an account at its own cluster", () => {
    const { find } = setUp(pass("ci", "one", line("new"), line("old")), pass("ci", "two"));
    assert.deepEqual(find("one", "Bearer new"), { account: "one/ci", token: "new" });
    assert.deepEqual(find("one", "bearer  old"), { account: "one/ci", token: "old" });
  });

  const refused = [
    { name: "a token that no pass has", cluster: "one", authorization: "Bearer other" },
    { name: "the token of another cluster", cluster: "two", authorization: "Bearer new" },
    { name: "a token that has expired", cluster: "one", authorization: "Bearer expired" },
    {
      name: "a digest in place of its token",
      cluster: "one",
      authorization: `Bearer ${line("new")}`,
    },
    { name: "another scheme", cluster: "one", authorization: "Basic new" },
    { name: "nothing", cluster: "one", authorization: "" },
    { name: "a cluster that nobody knows", cluster: "three", authorization: "Bearer new" },
  ];
  for (const { name, cluster, authorization } of refused) {
    it(`finds nothing for ${name}`, () => {
      const { find } = setUp(
        pass("ci", "one", line("new"), line("expired", earlier)),
        pass("ci", "two", line("two")),
      );
      assert.equal(find(cluster, authorization), undefined);
    });
  }

  it("admits nothing by lines that it cannot read", () => {
    const { find } = setUp(pass("ci", "one", "new 2030", `${line("new")} more`, line("a", "soon")));
    assert.equal(find("one", "Bearer new"), undefined);
    assert.equal(find("one", "Bearer a"), undefined);
  });

  it("forgets a pass that goes, and keeps those of other accounts", () => {
    const ci = pass("ci", "one", line("ci"));
    const { find, drop } = setUp(ci, pass("cd", "one", line("cd")));
    drop(ci);
    assert.equal(find("one", "Bearer ci"), undefined);
    assert.equal(find("one", "Bearer cd")?.account, "one/cd");
  });

  it("follows a pass that changes, also to another cluster", () => {
    const { find, put } = setUp(pass("ci", "one", line("a")));
    put({ ...pass("ci", "two", line("b")), metadata: pass("ci", "one").metadata });
    assert.equal(find("one", "Bearer a"), undefined);
    assert.equal(find("two", "Bearer b")?.account, "two/ci");
  });
});
