import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, it } from "node:test";
import { at } from "../conditions.ts";
import { startOcm, startProcessCluster, waitFor } from "../index.ts";

describe("startProcessCluster()", () => {
  it("gives an API with controllers, which knows users by their certificates", async () => {
    await using cluster = await startProcessCluster({ name: "alone", controllerManager: true });
    await cluster.kubectl(["create", "namespace", "made"]);
    const account = "/api/v1/namespaces/made/serviceaccounts/default";
    await waitFor("the namespace's account", async () => cluster.api.find(account));
    const alice = await cluster.kubeconfigFor("alice", ["devs"]);
    const review = await cluster.kubectl(["--kubeconfig", alice, "auth", "whoami", "-o", "json"]);
    const who: unknown = JSON.parse(review);
    assert.equal(at(who, "status", "userInfo", "username"), "alice");
    assert.deepEqual(at(who, "status", "userInfo", "groups"), ["devs", "system:authenticated"]);
  });

  it("keeps what it stored when its API server is killed and started again", async () => {
    await using cluster = await startProcessCluster({ name: "restarted" });
    await cluster.kubectl(["create", "namespace", "kept"]);
    await cluster.restart("kube-apiserver");
    await cluster.ready();
    assert.notEqual(await cluster.api.find("/api/v1/namespaces/kept"), undefined);
  });

  it("leads an aggregated API to a server of this host, by a Service that names localhost", async () => {
    await using cluster = await startProcessCluster({ name: "aggregating" });
    const pair = await cluster.servingCertificate("aggregated", ["DNS:aggregated.default.svc"]);
    const seen: (string | undefined)[] = [];
    const server = createServer(
      {
        cert: await readFile(pair.certificate),
        key: await readFile(pair.key),
        ca: await readFile(cluster.frontProxyCaPath),
        requestCert: true,
      },
      (request, response) => {
        seen.push(request.headers["x-remote-user"]?.toString());
        response.setHeader("content-type", "application/json");
        response.end(
          JSON.stringify({ kind: "APIResourceList", groupVersion: "bed.test/v1", resources: [] }),
        );
      },
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const caBundle = (await readFile(cluster.caPath)).toString("base64");
    await cluster.api.create("/api/v1/namespaces/default/services", {
      metadata: { name: "aggregated" },
      spec: { type: "ExternalName", externalName: "localhost" },
    });
    await cluster.api.create("/apis/apiregistration.k8s.io/v1/apiservices", {
      metadata: { name: "v1.bed.test" },
      spec: {
        group: "bed.test",
        version: "v1",
        groupPriorityMinimum: 1000,
        versionPriority: 1,
        caBundle,
        service: { namespace: "default", name: "aggregated", port },
      },
    });
    await waitFor("the aggregated API", async () => {
      const { status } = await cluster.api.send({ path: "/apis/bed.test/v1/anything" });
      return status === 200;
    });
    assert.ok(seen.includes("admin"));
    server.closeAllConnections();
    server.close();
  });

  it("leaves neither process nor file behind when it is disposed of", async () => {
    const cluster = await startProcessCluster({ name: "gone" });
    await cluster[Symbol.asyncDispose]();
    assert.ok(!existsSync(cluster.directory));
    await assert.rejects(cluster.api.isReady());
  });

  it("leaves neither process nor file behind when its user is killed", async () => {
    const door = join(import.meta.dirname, "..", "index.ts");
    const script = `
      const { startProcessCluster } = await import(${JSON.stringify(door)});
      const cluster = await startProcessCluster({ name: "orphan" });
      console.log(JSON.stringify([cluster.directory, cluster.server]));
      setInterval(() => undefined, 1000);`;
    const user = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [directory, server] = await readFirstLine(user);
    user.kill("SIGKILL");
    await waitFor("the directory to go", async () => !existsSync(directory), { limitMs: 20_000 });
    await assert.rejects(fetch(`${server}/readyz`), (error: Error) => {
      assert.equal(at(error.cause, "code"), "ECONNREFUSED");
      return true;
    });
  });
});

describe("startOcm()", () => {
  for (const addonVersions of ["v1alpha1", "v1alpha1-and-v1beta1"] as const) {
    it(`joins a cluster to a hub that serves ${addonVersions}`, async () => {
      await using hub = await startProcessCluster({ name: "hub", controllerManager: true });
      await using managed = await startProcessCluster({ name: "m1", controllerManager: true });
      await startOcm(hub, [managed], { addonVersions });
      const group = await hub.api.find("/apis/addon.open-cluster-management.io");
      const versions = at(group, "versions");
      assert.ok(Array.isArray(versions));
      const served = new Set(versions.map((version: unknown) => at(version, "version")));
      assert.deepEqual(served, new Set(addonVersions.split("-and-")));
      await convertsAddon(hub, addonVersions.split("-and-"));
    });
  }
});

async function convertsAddon(
  hub: Awaited<ReturnType<typeof startProcessCluster>>,
  versions: readonly string[],
): Promise<void> {
  const path = (version: string): string =>
    `/apis/addon.open-cluster-management.io/${version}/namespaces/m1/managedclusteraddons`;
  const apiVersion = `addon.open-cluster-management.io/${versions.at(-1)}`;
  const addon = { apiVersion, kind: "ManagedClusterAddOn", metadata: { name: "a" }, spec: {} };
  await hub.api.create(path(versions.at(-1) ?? ""), addon);
  for (const version of versions) {
    const found = await hub.api.find(`${path(version)}/a`);
    assert.equal(at(found, "apiVersion"), `addon.open-cluster-management.io/${version}`);
  }
}

async function readFirstLine(child: ChildProcess): Promise<readonly [string, string]> {
  assert.ok(child.stdout !== null);
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  return JSON.parse(line) as readonly [string, string];
}
