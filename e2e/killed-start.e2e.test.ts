/**
 * Runs where no bed does, and leaves a broken one behind: the start that follows it in
 * `make test` must clean up after a bed whose checkout does not exist any more.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { it } from "node:test";
import { runCommand, waitFor } from "#bed";
import { checkout } from "./support/hub.ts";
import { findTraces } from "./support/traces.ts";

async function copyCheckout(): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), "spokeway-checkout-"));
  await runCommand(["git", "-C", checkout, "checkout-index", "--all", `--prefix=${copy}/`]);
  await symlink(join(checkout, "node_modules"), join(copy, "node_modules"));
  return copy;
}

function startBed(from: string): ChildProcess {
  return spawn(process.execPath, [join(from, "e2e/bed/cli.ts"), "up"], {
    cwd: from,
    detached: true,
    env: { ...process.env, ADDONS: "none" },
    stdio: ["ignore", "ignore", "pipe"],
  });
}

it("a start is killed from another checkout, and that checkout goes", async () => {
  assert.deepEqual(await findTraces(), []);
  const copy = await copyCheckout();
  const start = startBed(copy);
  const said = start.stderr === null ? Promise.resolve("") : text(start.stderr);
  const exited = once(start, "exit");
  try {
    await waitFor("both machines to run programs", async () => {
      if (start.exitCode !== null) throw new Error(`The start ended by itself: ${await said}`);
      const programs = (await findTraces()).filter((trace) => / runs .*etcd/u.test(trace));
      return programs.length >= 2;
    });
  } finally {
    // The whole process group, as a terminal that is closed or a runner that gives up would.
    process.kill(-(start.pid ?? 0), "SIGKILL");
    await exited;
    await rm(copy, { recursive: true, force: true, maxRetries: 5 });
  }
  assert.notDeepEqual(await findTraces(), []);
});
