import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { isTorture, waitFor } from "#bed";
import {
  type LoopbackTunnel,
  makeAuthority,
  openLoopbackTunnel,
  type Running,
  type TestAuthority,
} from "#testing";
import type { TunnelAgent, TunnelClient } from "#tunnel";
import { GatewayBed, tokenOf } from "./gateway-bed.ts";
import { grantManifest } from "./under-test/gateway-bed-manifests.ts";
import { h1Client, h2Client, h2Session, openRoads } from "./under-test/roads.ts";

const proxyPath = "/apis/cluster.core.oam.dev/v1alpha1/clustergateways/managed1/proxy";
const refusalRounds = isTorture ? 100 : 3;

describe("the gateway with a tunnel between two API servers", { timeout: 300_000 }, () => {
  let bed: GatewayBed;
  let authority: TestAuthority;
  let tunnel: LoopbackTunnel;
  let agent: Running<TunnelAgent>;
  let server: Awaited<ReturnType<LoopbackTunnel["startServer"]>>;
  let through = "";
  let dials = 0;

  before(async () => {
    authority = await makeAuthority("gateway-ca");
    bed = await GatewayBed.start();
    tunnel = await openLoopbackTunnel();
    server = await tunnel.startServer();
    agent = await tunnel.startAgent({ agentPort: server.it.ports.agents });
    const client = await tunnel.startClient([server.it.ports.frontends]);
    const target = Number(new URL(bed.managed.server).port);
    // On a managed cluster a Service named like the cluster leads to the API server; here a port does.
    const dialBy =
      (dial: TunnelClient["dial"]): TunnelClient["dial"] =>
      (name, port, signal) => {
        assert.match(name, /^managed1$|^unprivileged$/);
        assert.equal(port, 443);
        dials += 1;
        return dial("127.0.0.1", target, signal);
      };
    await bed.startGateway(authority, {
      tunnelDial: dialBy((...how) => client.it.dial(...how)),
      tunnelDialEarly: dialBy((...how) => client.it.dialEarly(...how)),
    });
    await bed.managed.apply(grantManifest);
    await bed.writeCluster("managed1", "ClusterProxy", {
      "ca.crt": await bed.managedCa(),
      token: await bed.token(),
    });
    through = await bed.kubeconfigThrough("managed1");
    await waitFor("the way through", async () => (await get("/healthz")).status === 200);
  });
  after(async () => {
    await bed[Symbol.asyncDispose]();
    await tunnel[Symbol.asyncDispose]();
  });

  const get = async (path: string) => bed.hub.api.send({ path: proxyPath + path });
  const managed = async (...args: readonly string[]) => bed.kubectl(through, args);

  it("shows the cluster as one behind the tunnel", async () => {
    const { stdout } = await bed.kubectl(bed.hub.kubeconfig, ["get", "clustergateway"]);
    assert.match(stdout, /managed1 +ServiceAccountToken +ClusterProxy/);
  });

  it("carries every request over the one connection that it has", async () => {
    await get("/healthz");
    const before = dials;
    const answers = await Promise.all(Array.from({ length: 40 }, () => get("/api/v1/namespaces")));
    assert.ok(answers.every(({ status }) => status === 200));
    assert.equal(dials, before);
  });

  it("carries large objects and long lists unchanged", async () => {
    const data = randomBytes(300_000).toString("base64");
    const made = await bed.hub.api.send({
      method: "POST",
      path: `${proxyPath}/api/v1/namespaces/default/configmaps`,
      body: { metadata: { name: "large" }, data: { data } },
    });
    assert.equal(made.status, 201);
    const copies = Array.from({ length: 15 }, (_, index) => `copy-${index}`);
    for (const name of copies) {
      const body = { metadata: { name }, data: { data } };
      await bed.managed.api.create("/api/v1/namespaces/default/configmaps", body);
    }
    const { body } = await get(
      "/api/v1/namespaces/default/configmaps?fieldSelector=metadata.name!=kube-root-ca.crt",
    );
    const { items } = body as { items: readonly { data: { data: string } }[] };
    const sums = items.map((item) => createHash("sha256").update(item.data.data).digest("hex"));
    assert.equal(items.length, copies.length + 1);
    assert.deepEqual(new Set(sums), new Set([createHash("sha256").update(data).digest("hex")]));
  });

  it("hands over a whole refusal that comes before the whole request, to every client", async () => {
    const account = "/api/v1/namespaces/default/serviceaccounts";
    await bed.managed.api.create(account, { metadata: { name: "unprivileged" } });
    await bed.writeCluster("unprivileged", "ClusterProxy", {
      "ca.crt": await bed.managedCa(),
      token: await tokenOf(bed.managed, "default", "unprivileged"),
    });
    const path = `${proxyPath.replace("managed1", "unprivileged")}/api/v1/namespaces/default/configmaps`;
    await waitFor("the cluster", async () => (await bed.hub.api.send({ path })).status === 403);
    for (const [road, where] of Object.entries(await openRoads(bed, authority))) {
      using session = h2Session(where);
      const clients = { "HTTP/1.1": h1Client(where), "HTTP/2": h2Client(session, where.headers) };
      for (const [protocol, send] of Object.entries(clients)) {
        const refuse = async (number: number) => {
          const { status, headers, body } = await send({
            path,
            method: "POST",
            headers: { "content-type": "application/json" },
            body: inPieces(number),
          });
          const what = `${road}, ${protocol}: ${body.toString()}`;
          assert.equal(status, 403, what);
          assert.equal(String(body.length), headers["content-length"], what);
          assert.match(body.toString(), /cannot create resource \\"configmaps\\"/, what);
        };
        for (let round = 0; round < refusalRounds; round += 1) {
          await Promise.all(Array.from({ length: 20 }, async (_, number) => refuse(number)));
        }
      }
    }
  });

  it("says that the tunnel is down, and since when, and finds back by itself", async () => {
    const startedAt = new Date();
    await agent.stop();
    await waitFor("the refusal", async () => (await get("/healthz")).status === 503);
    const { body } = await get("/healthz");
    const { reason, message } = body as { reason: string; message: string };
    assert.equal(reason, "ServiceUnavailable");
    assert.match(message, /Cannot reach cluster "managed1": the tunnel is down: its agent is not/);
    const since = new Date(/\(since ([^)]+)\)/.exec(message)?.[1] ?? "");
    assert.ok(since >= startedAt && since <= new Date());
    agent = await tunnel.startAgent({ agentPort: server.it.ports.agents });
    await waitFor("the way back", async () => (await get("/healthz")).status === 200);
  });

  it("keeps a watch going while other requests come and go", async () => {
    const watch = bed.spawnKubectl(through, ["get", "configmap", "--watch-only", "-o", "name"]);
    let seen = "";
    watch.stdout.on("data", (chunk) => {
      seen += String(chunk);
    });
    try {
      await waitFor("the watch", async () => {
        await managed("create", "configmap", `w-${Date.now()}`);
        return seen.includes("w-");
      });
      await Promise.all(
        Array.from({ length: 30 }, () => get("/api/v1/namespaces/default/configmaps")),
      );
      await managed("create", "configmap", "after-all");
      await waitFor("the last event", () => Promise.resolve(seen.includes("after-all")));
      assert.equal(watch.exitCode, null);
    } finally {
      watch.kill();
    }
  });

  it("follows a new CA, and trusts no other", async () => {
    const token = await bed.token();
    const write = async (ca: string) =>
      bed.writeCluster("managed1", "ClusterProxy", { "ca.crt": ca, token });
    await write(authority.caPem);
    await waitFor("the refusal", async () => (await get("/healthz")).status === 502);
    const { body } = await get("/healthz");
    assert.match((body as { message: string }).message, /not from the CA that came with the token/);
    await write(`${authority.caPem}${await bed.managedCa()}`);
    await waitFor("trust", async () => (await get("/healthz")).status === 200);
  });
});

/** A ConfigMap of 100 KB, sent so that the answer finds it at another point each time. */
async function* inPieces(number: number): AsyncGenerator<Buffer> {
  const data = { a: "x".repeat(100_000) };
  const whole = Buffer.from(JSON.stringify({ metadata: { name: "refused" }, data }));
  const pieceBytes = Math.ceil(whole.length / (1 + (number % 5)));
  for (let at = 0; at < whole.length; at += pieceBytes) {
    yield whole.subarray(at, at + pieceBytes);
    await delay(number % 7);
  }
}
