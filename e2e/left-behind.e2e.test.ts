/** Runs last, when the bed was taken down. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { findTraces } from "./support/traces.ts";

it("nothing of the bed is left: no network namespace, rule, mount, cgroup or process", async () => {
  assert.deepEqual(await findTraces(), []);
});
