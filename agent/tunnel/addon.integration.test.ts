import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Lease, leases } from "#api";
import { startProcessCluster } from "#bed";
import { createKubeClient, ignoreNotFound } from "#kube";
import { createMetrics, runAll, silentLogger } from "#runtime";
import { openLoopbackTunnel, tlsOf } from "#testing";
import { createManagedTunnel } from "./create-tunnel.ts";

const never = new AbortController().signal;
const namespace = "default";

describe("agent tunnel on a managed cluster", () => {
  it("shows its lease only once a tunnel is up", async () => {
    await using cluster = await startProcessCluster({ name: "managed" }, never);
    const spoke = await createKubeClient({ userAgent: "test", kubeconfig: cluster.kubeconfig });
    await using tunnel = await openLoopbackTunnel();
    const first = await tunnel.startServer();
    const { agents: agentPort, frontends: frontendPort } = first.it.ports;
    await first.stop();
    const managed = createManagedTunnel({
      agent: {
        address: `127.0.0.1:${agentPort}`,
        tls: tlsOf(tunnel.agentAuthority, await tunnel.agentAuthority.client("cluster1")),
        agentId: "agent",
        identifiers: "host=cluster1",
        metrics: createMetrics(),
        syncIntervalMs: 50,
        syncIntervalCapMs: 100,
      },
      log: silentLogger,
      lease: { spoke, namespace },
    });
    const stop = new AbortController();
    const running = runAll(managed.runnables, stop.signal);
    const lease = (): Promise<Lease | undefined> =>
      ignoreNotFound(spoke.get(leases, { name: "cluster-proxy", namespace }, never));
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.equal(await lease(), undefined);
    await tunnel.startServer({ agentPort, frontendPort });
    for (let tries = 0; tries < 100 && (await lease()) === undefined; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.equal((await lease())?.spec?.leaseDurationSeconds, 60);
    stop.abort();
    await running;
  });
});
