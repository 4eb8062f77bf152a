import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { silentLogger } from "#runtime";
import { controller } from "./controller.ts";
import { controllerFlags } from "./controller-flags.ts";
import { parseFlags } from "./flags.ts";

async function refusal(...argv: readonly string[]): Promise<string> {
  const { signal } = new AbortController();
  try {
    await controller.build(parseFlags(controllerFlags, argv), silentLogger, signal);
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : "";
  }
  return "";
}

describe("controller", () => {
  it("wants to know which addons it is for", async () => {
    assert.match(await refusal(), /^UsageError: Cannot start without --addons: .*cluster-proxy/);
  });

  it("refuses an addon that it does not know, and names those that it knows", async () => {
    const want =
      "UsageError: Cannot use --addons=proxy: known are cluster-proxy, managed-serviceaccount, cluster-gateway";
    assert.equal(await refusal("--addons=cluster-proxy,proxy"), want);
  });

  it("says which kubeconfig it cannot read", async () => {
    const message = await refusal("--addons=cluster-proxy", "--kubeconfig=/nowhere");
    assert.match(message, /\/nowhere/);
  });

  it("refuses a deploy mode that it does not know, before it asks the hub for anything", async () => {
    const message = await refusal("--addons=managed-serviceaccount", "--deploy-mode=Job");
    assert.equal(
      message,
      "UsageError: Cannot use --deploy-mode=Job: expected Deployment or AddOnTemplate",
    );
  });
});
