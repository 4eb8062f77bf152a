import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ConfigReference } from "#api";
import { makeSource, makeWidget } from "../../testdata/makers.ts";
import { resolveReferences, withObservations } from "./references.ts";

const widget = (name: string, specHash: string): ConfigReference => ({
  group: "test",
  resource: "widgets",
  desiredConfig: { name, specHash },
});
const source = makeSource([makeWidget("a", "h1")]);

describe("resolveReferences()", () => {
  it("finds the configuration and tells the hash that its manifests will carry", () => {
    assert.deepEqual(resolveReferences([widget("a", "h1")], source), {
      kind: "resolved",
      configs: [makeWidget("a", "h1")],
      hashes: { "widgets.test//a": "h1" },
    });
  });

  it("waits silently for a hash", () => {
    const want = { kind: "waiting", message: undefined };
    assert.deepEqual(resolveReferences([widget("a", "")], source), want);
  });

  it("waits while the state that is meant is another than the present one", () => {
    assert.deepEqual(resolveReferences([widget("a", "h0")], source), {
      kind: "waiting",
      message: "the present state of widgets.test//a is not rolled out yet",
    });
  });

  it("names a configuration that does not exist", () => {
    assert.deepEqual(resolveReferences([widget("b", "h1")], source), {
      kind: "waiting",
      message: "widgets.test//b does not exist",
    });
  });

  it("does not wait for kinds that are not ours", () => {
    const foreign = { ...widget("a", ""), group: "other" };
    const want = { kind: "resolved", configs: [], hashes: { "widgets.other//a": "" } };
    // Its empty hash is the business of whoever owns that kind.
    assert.deepEqual(resolveReferences([foreign], source), want);
  });
});

describe("withObservations()", () => {
  it("notes the generation that was seen, and leaves the hash of others alone", () => {
    const [after] = withObservations([widget("a", "")], [], source);
    assert.deepEqual(after, { ...widget("a", ""), lastObservedGeneration: 4 });
  });

  it("fills in the hash of a configuration that the addon itself names", () => {
    const own = [{ group: "test", resource: "widgets", name: "a" }];
    const [after] = withObservations([widget("a", "")], own, source);
    assert.deepEqual(after?.desiredConfig, { name: "a", specHash: "h1" });
  });
});
