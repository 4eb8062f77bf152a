import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KubeObject } from "#api";
import { createFreshView } from "./fresh-view.ts";
import type { CacheChange } from "./object-cache.ts";

function makeObject(resourceVersion: string): KubeObject {
  return { metadata: { name: "a", namespace: "ns", resourceVersion } };
}

/** A cache that a test moves by hand. */
class HandCache {
  resourceVersion = "10";
  readonly #objects = new Map<string, KubeObject>();
  readonly #listeners = new Set<(change: CacheChange<KubeObject>) => void>();

  get(key: string): KubeObject | undefined {
    return this.#objects.get(key);
  }

  onChange(listener: (change: CacheChange<KubeObject>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  learn(resourceVersion: string, object: KubeObject | undefined): void {
    const key = "ns/a";
    this.resourceVersion = resourceVersion;
    const before = this.#objects.get(key);
    if (object === undefined) this.#objects.delete(key);
    else this.#objects.set(key, object);
    for (const listener of this.#listeners) listener({ key, before, after: object });
  }
}

describe("createFreshView()", () => {
  it("shows what was written until the cache knows as much", () => {
    const cache = new HandCache();
    const view = createFreshView(cache);
    cache.learn("10", makeObject("10"));
    view.wrote(makeObject("12"));
    cache.learn("11", makeObject("11"));
    assert.equal(view.get("ns/a")?.metadata.resourceVersion, "12");
    cache.learn("12", makeObject("12"));
    assert.equal(view.get("ns/a")?.metadata.resourceVersion, "12");
    cache.learn("13", makeObject("13"));
    assert.equal(view.get("ns/a")?.metadata.resourceVersion, "13");
  });

  it("forgets what was written once others have deleted it", () => {
    const cache = new HandCache();
    const view = createFreshView(cache);
    view.wrote(makeObject("12"));
    assert.notEqual(view.get("ns/a"), undefined);
    cache.learn("14", undefined);
    assert.equal(view.get("ns/a"), undefined);
  });

  it("compares versions as numbers", () => {
    const cache = new HandCache();
    const view = createFreshView(cache);
    cache.learn("9", makeObject("9"));
    view.wrote(makeObject("10"));
    assert.equal(view.get("ns/a")?.metadata.resourceVersion, "10");
  });

  it("does not count on versions that are no numbers", () => {
    const cache = new HandCache();
    const view = createFreshView(cache);
    view.wrote(makeObject("abc"));
    assert.equal(view.get("ns/a"), undefined);
  });
});
