import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { generatedCrds, generatedDocs, generatedValueSchemas } from "./generated-files.ts";

const root = new URL("../", import.meta.url);

describe("generated files", () => {
  for (const { path, content } of [
    ...generatedCrds(),
    ...generatedValueSchemas(),
    ...generatedDocs(),
  ]) {
    it(`${path} is up to date (if not: make crds)`, () => {
      assert.equal(readFileSync(new URL(path, root), "utf8"), content);
    });
  }
});

describe("generatedCrds()", () => {
  it("stores exactly one version of each kind, and serves all", () => {
    for (const { content } of generatedCrds()) {
      const { spec } = parse(content) as { spec: { versions: Record<string, unknown>[] } };
      assert.equal(spec.versions.filter(({ storage }) => storage).length, 1);
      assert.ok(spec.versions.every(({ served }) => served));
    }
  });

  it("leaves room in the status for everything a condition can carry", () => {
    for (const { content } of generatedCrds()) assert.match(content, /observedGeneration:/);
  });
});
