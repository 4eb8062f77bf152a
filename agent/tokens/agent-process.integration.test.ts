import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { secrets } from "#api";
import { ChildProgram, findFreePorts, waitFor } from "#bed";
import { startTcpRelay } from "#testing";
import { agentNamespace, clusterName, soon, TokenBed } from "./token-bed.ts";

const program = fileURLToPath(new URL("../../cmd/agent.ts", import.meta.url));

describe("the process `agent tokens`", { timeout: 180_000 }, () => {
  let bed: TokenBed;
  let child: ChildProgram;
  let health: string;
  let scrape: string;

  const start = (): void => {
    const flags = [
      `--cluster-name=${clusterName}`,
      `--spoke-kubeconfig=${bed.kubeconfigs.managed}`,
      "--lease-health-check=true",
      "--leader-elect=true",
      `--health-probe-bind-address=${health}`,
      `--metrics-bind-address=${scrape}`,
    ];
    const env = { NAMESPACE: agentNamespace, HUB_KUBECONFIG: bed.kubeconfigs.hub };
    child = ChildProgram.start([program, "tokens", ...flags], env);
  };
  const ready = async () =>
    waitFor("readiness", async () => {
      child.throwIfEnded();
      return (await fetch(`http://${health}/readyz`)).ok;
    });

  before(async () => {
    bed = await TokenBed.start(startTcpRelay);
    [health = "", scrape = ""] = (await findFreePorts(2)).map((port) => `127.0.0.1:${port}`);
    start();
  });
  after(async () => {
    await child[Symbol.asyncDispose]();
    await bed[Symbol.asyncDispose]();
  });

  it("gets ready, and tells of its tokens in metrics but never shows one", async () => {
    await ready();
    await bed.createAccount("shown");
    const token = await bed.workingToken("shown");
    const metrics = await waitFor("the metrics", async () => {
      const text = await (await fetch(`http://${scrape}/metrics`)).text();
      return text.includes('spokeway_token_expiry_seconds{account="shown"} 3') && text;
    });
    assert.match(metrics, /spokeway_token_renewals_total\{reason="ServiceAccountMissing"\} 1/);
    await waitFor("the log", async () => child.output.includes("Token refreshed"));
    for (const text of [metrics, child.output])
      assert.equal(text.includes(token.slice(-40)), false);
  });

  it("is whole again whenever it was killed during a renewal", async () => {
    await bed.createAccount("killed");
    await bed.workingToken("killed");
    for (let round = 0; round < 6; round += 1) {
      await bed.hubAdmin.delete(secrets, { name: "killed", namespace: clusterName }, soon());
      await sleep(round * 12);
      await child.stop("SIGKILL");
      start();
      await ready();
      await waitFor("the token and a report that fits it", async () => {
        const { status } = await bed.account("killed");
        const token = await bed.workingToken("killed");
        const [, payload = ""] = token.split(".");
        const { exp } = JSON.parse(Buffer.from(payload, "base64url").toString()) as { exp: number };
        return Math.abs(exp * 1000 - Date.parse(status.expirationTimestamp ?? "")) <= 2_000;
      });
    }
  });

  it("ends when it is asked to, at once", async () => {
    const startedAt = performance.now();
    assert.equal(await child.stop("SIGTERM"), 0);
    assert.ok(performance.now() - startedAt < 5_000);
  });
});
