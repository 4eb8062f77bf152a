import assert from "node:assert/strict";
import { copyFile, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type ConfigMap,
  configMaps,
  type KubeObject,
  leases,
  namespaces,
  type ResourceType,
} from "#api";
import { type ProcessCluster, startProcessCluster, waitFor } from "#bed";
import { type Runnable, silentLogger } from "#runtime";
import { startTcpRelay } from "#testing";
import { isApiError } from "./api-error.ts";
import { createKubeClient, type KubeClient } from "./client.ts";
import { firstServed, isServed } from "./discovery.ts";
import { createEventRecorder } from "./events.ts";
import { createLeaderElection } from "./leader-election.ts";
import { renewLease } from "./lease.ts";
import { createObjectCache } from "./object-cache.ts";

const userAgent = "kube-test";
const namespace = "default";

function soon(): AbortSignal {
  return AbortSignal.timeout(15_000);
}

function makeConfigMap(name: string, data: Readonly<Record<string, string>> = {}): ConfigMap {
  return { metadata: { name, namespace, labels: { made: "here" } }, data };
}

interface SelfReview extends KubeObject {
  readonly status: { readonly userInfo: { readonly username: string } };
}

const selfReviews: ResourceType<SelfReview> = {
  group: "authentication.k8s.io",
  version: "v1",
  plural: "selfsubjectreviews",
  kind: "SelfSubjectReview",
  namespaced: false,
};

async function whoAmI(client: KubeClient): Promise<string> {
  const review = await client.create(selfReviews, { metadata: { name: "" } }, soon());
  return review.status.userInfo.username;
}

describe("the kube room on a real API server", { timeout: 240_000 }, () => {
  let cluster: ProcessCluster;
  let client: KubeClient;

  before(async () => {
    cluster = await startProcessCluster({ name: "kube" });
    client = await createKubeClient({ kubeconfig: cluster.kubeconfig, userAgent });
    await waitFor("the namespace", async () => client.get(namespaces, { name: namespace }, soon()));
  });
  after(async () => {
    await cluster[Symbol.asyncDispose]();
  });

  it("creates, reads, replaces, patches, applies and deletes", async () => {
    const key = { name: "crud", namespace };
    const made = await client.create(configMaps, makeConfigMap("crud", { a: "1" }), soon());
    const changed: ConfigMap = { ...made, data: { a: "2" } };
    const replaced = await client.replace(configMaps, changed, soon());
    assert.deepEqual(replaced.data, { a: "2" });
    const patched = await client.mergePatch(configMaps, key, { data: { b: "3" } }, soon());
    assert.deepEqual(patched.data, { a: "2", b: "3" });
    const desired: ConfigMap = { metadata: { name: "crud", namespace }, data: { a: "4" } };
    const applied = await client.apply(configMaps, desired, soon(), { fieldManager: "test" });
    assert.deepEqual(applied.data, { a: "4", b: "3" });
    assert.deepEqual((await client.get(configMaps, key, soon())).data, applied.data);
    const selected = { namespace, labelSelector: "made=here" };
    const { items } = await client.list(configMaps, selected, soon());
    assert.deepEqual(
      items.map(({ kind, metadata }) => [kind, metadata.name]),
      [["ConfigMap", "crud"]],
    );
    await client.delete(configMaps, key, soon(), { uid: made.metadata.uid });
    await assert.rejects(client.get(configMaps, key, soon()), { code: "not_found" });
  });

  it("tells the ways in which a request is refused apart", async () => {
    const made = await client.create(configMaps, makeConfigMap("codes"), soon());
    await client.mergePatch(configMaps, { name: "codes", namespace }, { data: { a: "1" } }, soon());
    const refused: Readonly<Record<string, () => Promise<unknown>>> = {
      already_exists: () => client.create(configMaps, makeConfigMap("codes"), soon()),
      conflict: () => client.replace(configMaps, made, soon()),
      invalid: () => client.create(configMaps, makeConfigMap("Not A Name"), soon()),
      not_found: () => client.delete(configMaps, { name: "nothing", namespace }, soon()),
      expired: async () => {
        const stream = await client.watch(
          configMaps,
          { namespace, resourceVersion: "not-a-version", timeoutSeconds: 5 },
          soon(),
        );
        stream.destroy();
      },
    };
    for (const [code, request] of Object.entries(refused)) {
      // A place that is no version is a bad request, not an old place.
      const want = code === "expired" ? /bad_request|expired|server/ : new RegExp(`^${code}$`);
      await assert.rejects(request(), (error) => isApiError(error) && want.test(error.code), code);
    }
    const stale = client.delete(configMaps, { name: "codes", namespace }, soon(), { uid: "x" });
    await assert.rejects(stale, { code: "conflict" });
  });

  it("says who may not do what", async () => {
    const kubeconfig = await cluster.kubeconfigFor("nobody");
    const nobody = await createKubeClient({ kubeconfig, userAgent });
    await assert.rejects(nobody.list(configMaps, { namespace }, soon()), (error: Error) => {
      return isApiError(error, "forbidden") && /User "nobody" cannot list/.test(error.message);
    });
  });

  it("knows what is served", async () => {
    assert.equal(await isServed(client, configMaps, soon()), true);
    const future = { ...configMaps, group: "example.com", version: "v9" };
    assert.equal(await isServed(client, future, soon()), false);
    assert.equal(await firstServed(client, [future, configMaps], soon()), configMaps);
    await assert.rejects(firstServed(client, [future], soon()), /configmaps.example.com\/v9/);
  });

  it("keeps a cache in step, through a restart of the API server", async () => {
    const options = { namespace, labelSelector: "made=here", log: silentLogger };
    const cache = createObjectCache(client, configMaps, options);
    const stop = new AbortController();
    const running = cache.run(stop.signal);
    await cache.waitForSync(soon());
    const shows = async (name: string, data: string | undefined) =>
      waitFor(`${name} to be ${data}`, async () => {
        return (cache.get(`${namespace}/${name}`)?.data?.["a"] ?? undefined) === data;
      });
    await client.create(configMaps, makeConfigMap("cached", { a: "1" }), soon());
    await shows("cached", "1");
    await cluster.restart("kube-apiserver");
    await cluster.ready();
    const change = { data: { a: "2" } };
    await waitFor("the change", async () =>
      client.mergePatch(configMaps, { name: "cached", namespace }, change, soon()),
    );
    await shows("cached", "2");
    await client.delete(configMaps, { name: "cached", namespace }, soon());
    await shows("cached", undefined);
    assert.equal(cache.fault, undefined);
    stop.abort();
    await running;
  });

  it("catches up after the network was cut, also with what was deleted meanwhile", async () => {
    await using road = await startTcpRelay(Number(new URL(cluster.server).port));
    const text = await readFile(cluster.kubeconfig, "utf8");
    const kubeconfig = join(cluster.directory, "relayed.kubeconfig");
    await writeFile(kubeconfig, text.replaceAll(cluster.server, `https://127.0.0.1:${road.port}`));
    const far = await createKubeClient({ kubeconfig, userAgent });
    const cache = createObjectCache(far, configMaps, { namespace, log: silentLogger });
    const stop = new AbortController();
    const running = cache.run(stop.signal);
    await client.create(configMaps, makeConfigMap("before"), soon());
    await waitFor("the object", async () => cache.get(`${namespace}/before`));
    road.cut();
    await waitFor("the fault", async () => cache.fault);
    await client.delete(configMaps, { name: "before", namespace }, soon());
    await client.create(configMaps, makeConfigMap("during"), soon());
    road.heal();
    await waitFor("the news", async () => cache.get(`${namespace}/during`));
    assert.equal(cache.get(`${namespace}/before`), undefined);
    stop.abort();
    await running;
  });

  it("uses a client certificate that was exchanged under it", async () => {
    const [first, second] = [
      await cluster.kubeconfigFor("first-user"),
      await cluster.kubeconfigFor("second-user"),
    ];
    const kubeconfig = join(cluster.directory, "rotated.kubeconfig");
    await copyFile(first, kubeconfig);
    const rotated = await createKubeClient({ kubeconfig, userAgent });
    assert.equal(await whoAmI(rotated), "first-user");
    const next = `${kubeconfig}.next`;
    await copyFile(second, next);
    await rename(next, kubeconfig);
    await waitFor("the new user", async () => (await whoAmI(rotated)) === "second-user");
  });

  it("lets one of two candidates lead, and the other when it stops", async () => {
    const stops = new Map(["a", "b"].map((name) => [name, new AbortController()] as const));
    const leading: string[] = [];
    const runs = [...stops].map(async ([identity, { signal }]) => {
      const work: Runnable = {
        name: "work",
        async run(scope) {
          leading.push(identity);
          await sleep(60_000, undefined, { signal: scope }).catch(() => undefined);
        },
      };
      const lease = { name: "election", namespace };
      const options = { lease, identity, log: silentLogger, retryMs: 200 };
      await createLeaderElection(client, options, [work]).run(signal);
    });
    try {
      await waitFor("a leader", async () => leading.length > 0);
      await sleep(1_000);
      assert.equal(leading.length, 1);
      stops.get(leading[0] ?? "")?.abort();
      await waitFor("the other leader", async () => leading.length === 2, { limitMs: 5_000 });
      assert.deepEqual(leading.toSorted(), ["a", "b"]);
    } finally {
      for (const stop of stops.values()) stop.abort();
      await Promise.all(runs);
    }
  });

  it("makes and renews a heartbeat", async () => {
    const key = { name: "beat", namespace };
    for (const at of ["2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"]) {
      await renewLease(client, key, { leaseDurationSeconds: 60 }, new Date(at), soon());
      const lease = await client.get(leases, key, soon());
      assert.equal(lease.spec?.renewTime, at.replace("Z", ".000000Z"));
    }
  });

  it("records an event once", async () => {
    const object = await client.create(configMaps, makeConfigMap("told"), soon());
    const recorder = createEventRecorder(client, "kube-test", silentLogger);
    const event = { reason: "Tested", message: "It was tested" };
    for (let n = 0; n < 3; n += 1) await recorder.record(configMaps, object, event);
    const events = { ...configMaps, plural: "events", kind: "Event" };
    const fieldSelector = "involvedObject.name=told,reason=Tested";
    const { items } = await client.list(events, { namespace, fieldSelector }, soon());
    assert.equal(items.length, 1);
  });
});
