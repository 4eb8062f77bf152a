import assert from "node:assert/strict";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { silentLogger } from "#runtime";
import { parseFlags } from "./flags.ts";
import { accessFlags, identityMode, openAccess } from "./gateway-access.ts";

const read = (...argv: readonly string[]) => parseFlags(accessFlags, argv);

describe("identityMode()", () => {
  const gate = "--feature-gates=HealthinessCheck=true,ClientIdentityPenetration=true,";
  const cases: readonly (readonly [argv: readonly string[], want: string])[] = [
    [[], "Shared"],
    [["--identity=shared"], "Shared"],
    [["--identity=impersonate"], "Impersonate"],
    [[gate], "Impersonate"],
    [["--feature-gates=ClientIdentityPenetration=false"], "Shared"],
    [["--identity=impersonate", gate], "Impersonate"],
  ];
  for (const [argv, want] of cases) {
    it(`is ${want} with ${argv.join(" ") || "no flag"}`, () => {
      assert.equal(identityMode(read(...argv)), want);
    });
  }
  it("refuses what is neither, and what contradicts itself", () => {
    assert.throws(() => identityMode(read("--identity=root")), /expected shared or impersonate/);
    assert.throws(() => identityMode(read("--identity=shared", gate)), /opposite/);
  });
});

describe("openAccess()", () => {
  it("names the flag of a file that cannot be used", async () => {
    const file = join(await mkdtemp(join(tmpdir(), "access-")), "config.yaml");
    const flag = `--cluster-gateway-proxy-config=${file}`;
    await assert.rejects(openAccess(read(flag), silentLogger), {
      name: "UsageError",
      message: /--cluster-gateway-proxy-config: ENOENT/,
    });
    await writeFile(file, "spec: {identity: {mode: Root}}");
    await assert.rejects(openAccess(read(flag), silentLogger), {
      name: "UsageError",
      message: /spec\.identity of .*mode/s,
    });
    await writeFile(file, "spec: {identity: {mode: Impersonate, groups: [devs]}}");
    const { options } = await openAccess(read(flag), silentLogger);
    assert.deepEqual(options.identity?.().policy.groups, ["devs"]);
  });
});
