import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  defaultClusterGatewayLayout,
  findCondition,
  type KubeObject,
  type ManagedServiceAccount,
  managedClusters,
  type ResourceType,
  type Secret,
} from "#api";
import { ApiError, type EventOptions, type KubeClient, type ObjectKey } from "#kube";
import { type Labels, silentLogger } from "#runtime";
import { makeAccount, makeSnapshot, planTime } from "./make-snapshot.ts";
import { gatewayDoorOf } from "./reach.ts";
import { createOutputReconciler, type OutputPorts } from "./reconciler.ts";

const signal = new AbortController().signal;
const notFound = () => new ApiError("not_found", "not found");

/** A hub that keeps what is written, notes who asks, and fails where it is told to. */
class Hub {
  readonly objects = new Map<string, KubeObject>();
  readonly asked: string[] = [];
  readonly failing = new Map<string, Error>();
  readonly events: EventOptions[] = [];
  readonly counted: Labels[] = [];
  account: ManagedServiceAccount | undefined;
  /** As the cache has it, which may be behind. */
  cached: ManagedServiceAccount | undefined;

  put(plural: string, object: KubeObject): void {
    this.objects.set(`${plural} ${object.metadata.namespace}/${object.metadata.name}`, object);
  }

  get client(): KubeClient {
    const at = (verb: string, { plural }: ResourceType, { namespace, name }: ObjectKey) => {
      const key = `${plural} ${namespace}/${name}`;
      this.asked.push(`${verb} ${key}`);
      const failure = this.failing.get(`${verb} ${key}`);
      if (failure !== undefined) throw failure;
      return key;
    };
    const keep = (key: string, object: KubeObject) => {
      this.objects.set(key, object);
      return object;
    };
    const client = {
      get: async (type: ResourceType, key: ObjectKey) => {
        const found = this.objects.get(at("get", type, key));
        if (found === undefined) throw notFound();
        return found;
      },
      create: async (type: ResourceType, object: KubeObject) =>
        keep(at("create", type, object.metadata), object),
      replace: async (type: ResourceType, object: KubeObject) =>
        keep(at("replace", type, object.metadata), object),
      delete: async (type: ResourceType, key: ObjectKey) => {
        this.objects.delete(at("delete", type, key));
      },
      mergePatch: async (type: ResourceType, key: ObjectKey, { status }: { status: never }) => {
        at("patch", type, key);
        assert.ok(this.account);
        this.account = { ...this.account, status };
        return this.account;
      },
      rawJson: async (path: string) => {
        this.asked.push(`raw ${path}`);
        if (this.account === undefined) throw notFound();
        return this.account;
      },
    };
    return client as unknown as KubeClient;
  }

  async reconcile(key = "managed1/ci") {
    const { ways, policy } = makeSnapshot(undefined);
    const { managedCluster = managedClusters.parse({ metadata: { name: "none" } }) } = ways;
    const made = { list: () => [...this.objects.values()] };
    const caBundle = "Q0E=";
    const service = { name: "gw", namespace: "ns", port: 9443 };
    const ports: OutputPorts = {
      client: this.client,
      accounts: { get: () => this.cached },
      clusters: { get: () => managedCluster },
      addons: { get: () => ({ metadata: { name: "managed-serviceaccount" } }) },
      registrations: {
        doorAt: (address) =>
          gatewayDoorOf(
            defaultClusterGatewayLayout,
            { metadata: { name: "a" }, spec: { service, caBundle } },
            address,
          ),
      },
      made: [made],
      policy,
      gatewayAddress: "",
      events: { record: async (_type, _object, event) => void this.events.push(event) },
      metrics: {
        actions: { inc: (labels = {}) => void this.counted.push(labels) },
        refusals: { inc: (labels = {}) => void this.counted.push(labels) },
      },
      now: () => planTime,
      log: silentLogger,
    };
    return createOutputReconciler(ports).reconcile(key, signal);
  }

  get told() {
    const condition = findCondition(this.account?.status.conditions, "OutputsReady");
    return condition && `${condition.status} ${condition.reason}`;
  }
}

const claims = Buffer.from(JSON.stringify({ sub: "s", exp: 4_000_000_000 })).toString("base64url");

function hubWith(outputs: unknown): Hub {
  const hub = new Hub();
  const account = makeAccount(outputs);
  hub.account = account;
  hub.cached = account;
  const { name, namespace = "", uid = "" } = account.metadata;
  const owner = { apiVersion: "v1beta1", kind: "ManagedServiceAccount", name, uid };
  const token: Secret = {
    metadata: { name, namespace, ownerReferences: [owner] },
    data: { token: Buffer.from(`h.${claims}.s`).toString("base64") },
  };
  hub.put("secrets", token);
  return hub;
}

const both = { kubeconfig: {}, argocd: { namespace: "argocd" } };
const [pass, kubeconfig, argocd] = [
  "configmaps gw/managed1.ci",
  "secrets managed1/ci-kubeconfig",
  "secrets argocd/managed1.ci-argocd",
];

describe("createOutputReconciler()", () => {
  it("asks nothing for an account that wants nothing", async () => {
    const hub = hubWith(undefined);
    await hub.reconcile();
    assert.deepEqual(hub.asked, []);
  });

  it("writes what is wanted, says so once, and then rests", async () => {
    const hub = hubWith(both);
    await hub.reconcile();
    for (const key of [pass, kubeconfig, argocd]) assert.ok(hub.objects.has(key), key);
    assert.equal(hub.told, "True OutputsWritten");
    assert.deepEqual(
      hub.events.map(({ type, reason }) => [type, reason]),
      [["Normal", "OutputsWritten"]],
    );
    assert.deepEqual(hub.counted, [
      { output: "gateway-pass", action: "written" },
      { output: "kubeconfig", action: "written" },
      { output: "argocd", action: "written" },
    ]);
    hub.cached = hub.account;
    hub.asked.length = 0;
    await hub.reconcile();
    assert.ok(hub.asked.every((line) => line.startsWith("get ")));
  });

  it("never hands out the token of a Secret that is not the account's", async () => {
    const hub = hubWith(both);
    const stranger = hub.objects.get("secrets managed1/ci");
    assert.ok(stranger);
    const metadata = { ...stranger.metadata, ownerReferences: [] };
    hub.put("secrets", { ...stranger, metadata });
    await hub.reconcile();
    assert.equal(hub.told, "False TokenMissing");
    assert.deepEqual([hub.objects.has(pass), hub.objects.has(kubeconfig)], [false, false]);
    assert.deepEqual(hub.events, []);
  });

  it("goes on with the others when one cannot be written, says which, and tries again", async () => {
    const hub = hubWith(both);
    hub.failing.set(`create ${argocd}`, new ApiError("forbidden", "no right to argocd"));
    await assert.rejects(hub.reconcile(), { message: "no right to argocd" });
    assert.ok(hub.objects.has(kubeconfig));
    assert.equal(hub.told, "False OutputFailed");
    assert.match(hub.events[0]?.message ?? "", /^spec\.outputs\.argocd: .*no right to argocd/);
  });

  it("says that both failed when their pass could not be written", async () => {
    const hub = hubWith(both);
    hub.failing.set(`create ${pass}`, new ApiError("forbidden", "no right"));
    await assert.rejects(hub.reconcile());
    const [event] = hub.events;
    assert.match(event?.message ?? "", /spec\.outputs\.kubeconfig: .*spec\.outputs\.argocd: /);
  });

  it("says nothing of a race, which the next look settles", async () => {
    const hub = hubWith(both);
    hub.failing.set(`create ${kubeconfig}`, new ApiError("already_exists", "it exists"));
    await assert.rejects(hub.reconcile());
    assert.deepEqual([hub.told, hub.events], [undefined, []]);
  });

  it("looks again after a while when something of others is in the way", async () => {
    const hub = hubWith({ kubeconfig: { via: "Direct" } });
    hub.put("secrets", { metadata: { name: "ci-kubeconfig", namespace: "managed1" } });
    assert.equal((await hub.reconcile()).kind, "recheck");
    assert.equal(hub.told, "False SecretNotOurs");
    assert.deepEqual(hub.counted, [{ output: "kubeconfig", reason: "SecretNotOurs" }]);
  });

  it("removes the condition with the field", async () => {
    const hub = hubWith(both);
    await hub.reconcile();
    assert.ok(hub.account);
    const { spec, ...rest } = hub.account;
    hub.account = { ...rest, spec: { ...spec, outputs: undefined } };
    hub.cached = hub.account;
    await hub.reconcile();
    assert.equal(hub.told, undefined);
    assert.deepEqual([...hub.objects.keys()], ["secrets managed1/ci"]);
  });

  it("removes all of an account that is gone, and nothing of one that only the cache misses", async () => {
    const hub = hubWith(both);
    await hub.reconcile();
    hub.cached = undefined;
    await hub.reconcile();
    assert.equal(hub.objects.size, 4);
    hub.account = undefined;
    await hub.reconcile();
    assert.deepEqual([...hub.objects.keys()], ["secrets managed1/ci"]);
  });
});
