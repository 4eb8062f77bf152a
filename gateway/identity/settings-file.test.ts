import assert from "node:assert/strict";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { silentLogger } from "#runtime";
import { loadIdentitySettings } from "./settings-file.ts";

describe("loadIdentitySettings()", () => {
  it("follows the file, and keeps the last settings when it becomes unusable", async () => {
    const directory = await mkdtemp(join(tmpdir(), "identity-"));
    const file = join(directory, "config.yaml");
    const replace = async (text: string) => {
      await writeFile(`${file}.next`, text);
      await rename(`${file}.next`, file);
    };
    const write = async (groups: string) =>
      replace(`spec: {identity: {mode: Impersonate, groups: ${groups}}}`);
    await write("[devs]");
    const options = { file, mode: "Shared", log: silentLogger, intervalMs: 10 } as const;
    const source = await loadIdentitySettings(options);
    const stop = new AbortController();
    const ended = source.run(stop.signal).catch(() => undefined);
    const until = async (groups: readonly string[]) => {
      for (let tries = 0; tries < 300; tries += 1) {
        if (String(source.current.policy.groups) === String(groups)) return;
        await delay(10);
      }
      assert.fail(`groups stayed ${source.current.policy.groups.join()}`);
    };
    try {
      assert.deepEqual(
        [source.current.policy.mode, source.current.policy.groups],
        ["Impersonate", ["devs"]],
      );
      await write("[ops]");
      await until(["ops"]);
      await replace("");
      await delay(50);
      assert.deepEqual(source.current.policy.groups, ["ops"]);
      await write("7");
      await delay(50);
      assert.deepEqual(source.current.policy.groups, ["ops"]);
      await write("[all]");
      await until(["all"]);
    } finally {
      stop.abort();
      await ended;
      await rm(directory, { recursive: true });
    }
  });

  it("needs no file", async () => {
    const { current } = await loadIdentitySettings({ mode: "Impersonate", log: silentLogger });
    assert.deepEqual([current.policy.mode, current.policy.groups], ["Impersonate", ["*"]]);
  });
});
