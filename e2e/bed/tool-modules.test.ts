import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type ToolModule, toolModules } from "./tool-modules.ts";

describe("toolModules", () => {
  const modules: readonly (readonly [string, ToolModule])[] = Object.entries(toolModules);
  for (const [name, { version, programs }] of modules) {
    const readModule = async (file: string): Promise<string> =>
      readFile(join(import.meta.dirname, "tools", name, file), "utf8");

    it(`names for ${name} the version that its go.mod pins, with sums`, async () => {
      assert.match(
        await readModule("go.mod"),
        new RegExp(` v${version.replaceAll(".", "\\.")}\\b`, "u"),
      );
      assert.ok((await readModule("go.sum")).includes(`v${version} h1:`));
    });

    it(`builds for ${name} only what its go.mod lists as a tool`, async () => {
      const text = await readModule("go.mod");
      for (const path of Object.values(programs)) {
        assert.ok(path === "." || text.includes(path), path);
      }
    });
  }
});
