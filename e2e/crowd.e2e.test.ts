/** Many at once on managed1, by the hub's API server and by the gateway's own door: nobody is in anybody's way. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { containerPids, execOn, type FullBed, findFullBed, isTorture, waitFor } from "#bed";
import { certificatePath, keyPath } from "./bed/cluster-plan.ts";
import { residentBytes } from "./bench/process-usage.ts";
import { quantile } from "./bench/report.ts";
import { type Background, startKubectl } from "./support/background.ts";
import { rotateCredential } from "./support/credential.ts";
import { type Door, openDoor } from "./support/door.ts";
import { grantAllOnManaged, revokeAllOnManaged } from "./support/grant.ts";
import {
  gatewayKubeconfig,
  gatewayPath,
  kubectl,
  managedKubeconfig,
  writeGatewayKubeconfig,
} from "./support/hub.ts";
import { startLoad } from "./support/load.ts";
import { openWatches } from "./support/watches.ts";

const namespace = "e2e-crowd";
const onManaged = { kubeconfig: managedKubeconfig };

const amounts = isTorture
  ? { namespaces: 200, kubectls: 40, watches: 1000, stoppedMs: 600_000 }
  : { namespaces: 40, kubectls: 10, watches: 100, stoppedMs: 15_000 };

const mebibyte = 2 ** 20;
/** How much more each process may hold while readers stand still, however long they do. */
const heldByStopped = 64 * mebibyte;
const slowestMs = 100;

/** Writes two megabytes a second for ever; a line has a kilobyte. */
const flood = `
apiVersion: v1
kind: Pod
metadata: { name: flood, namespace: ${namespace} }
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: bed.local/workload:1
    imagePullPolicy: Never
    command: [sh, -c]
    args:
    - |
      line=$(printf '%01000d' 7)
      for i in $(seq 500); do echo "$line"; done >/tmp/block
      while :; do cat /tmp/block; sleep 0.25; done
`;

describe("a crowd on managed1", () => {
  let bed: FullBed;
  let door: Door;
  const opened = new AsyncDisposableStack();
  let roads: Readonly<Record<"hub" | "door", string>>;

  before(async () => {
    bed = await findFullBed();
    await writeGatewayKubeconfig();
    await grantAllOnManaged();
    await kubectl(["delete", "ns", namespace, "--ignore-not-found"], onManaged);
    await kubectl(["create", "ns", namespace], onManaged);
    door = opened.use(await openDoor(bed));
    roads = { hub: gatewayKubeconfig, door: door.kubeconfig };
  });

  after(async () => {
    await kubectl(["delete", "ns", namespace, "--ignore-not-found", "--wait=false"], onManaged);
    await kubectl(["delete", "ns", "-l", `crowd=${namespace}`, "--wait=false"], onManaged);
    await revokeAllOnManaged();
    await opened.disposeAsync();
    for (const { api } of [bed.hub, ...bed.managed]) api.close();
  });

  it(`works with ${amounts.kubectls} kubectl at once in ${amounts.namespaces} namespaces`, async () => {
    await inParallel(amounts.namespaces, amounts.kubectls, async (index) => {
      const options = { kubeconfig: index % 2 === 0 ? roads.hub : roads.door };
      const name = `${namespace}-${index}`;
      await kubectl(["apply", "-f", "-"], { ...options, input: contentOf(name) });
      await kubectl(["-n", name, "patch", "cm", "one", "-p", '{"data":{"a":"2"}}'], options);
      const found = await kubectl(
        ["-n", name, "get", "cm", "one", "-o=jsonpath={.data.a}"],
        options,
      );
      assert.equal(found, "2", name);
    });
  });

  it(`keeps ${amounts.watches} watches whole over a rotation of the token`, async () => {
    const path = `${gatewayPath}/api/v1/namespaces/${namespace}/configmaps`;
    const half = amounts.watches / 2;
    await using byHub = openWatches(
      { server: bed.hub.api.server, tls: await hubTls(bed), path },
      half,
    );
    await using byDoor = openWatches({ server: door.server, tls: door.tls, path }, half);
    const all = [byHub, byDoor];
    const failures = () => all.flatMap((watches) => watches.failures);
    const areTold = (name: string) => async () =>
      failures().length > 0 || all.every((watches) => watches.heardOf(name) === half);
    const create = ["-n", namespace, "create", "configmap"];

    await waitFor("all watches", async () => {
      return failures().length > 0 || all.every(({ answered }) => answered === half);
    });
    await kubectl([...create, "before"], { kubeconfig: roads.hub });
    await waitFor("the first event in all", areTold("before"));
    const connections = await connectionsOfManaged();

    await rotateCredential();
    await kubectl([...create, "after"], { kubeconfig: roads.hub });
    await waitFor("an event after the rotation in all", areTold("after"));
    assert.deepEqual(failures(), []);
    const now = await connectionsOfManaged();
    // A session or two with the new token; each watch would have brought one of its own.
    assert.ok(now <= connections + 20, `${connections} connections have become ${now}`);
  });

  it("serves others while readers of endless logs stand still", async () => {
    await kubectl(["apply", "-f", "-"], { ...onManaged, input: flood });
    const ready = ["wait", "--for=condition=Ready", "pod/flood", "--timeout=90s"];
    await kubectl(["-n", namespace, ...ready], onManaged);
    await using readers = startReaders([roads.hub, roads.door]);
    await waitFor("a megabyte for each reader", async () => readers.haveAll(mebibyte));

    for (const reader of readers.all) reader.signal("SIGSTOP");
    const before = await memoryOfOurs();
    const asHub = startLoad(() => bed.hub.api.send({ path: `${gatewayPath}/healthz` }), steady);
    const atDoor = startLoad(() => door.api.send({ path: `${gatewayPath}/healthz` }), steady);
    const most = await mostMemory(amounts.stoppedMs);
    const loads = { hub: await asHub.stop(), door: await atDoor.stop() };

    for (const [road, { answered, failures, latenciesMs }] of Object.entries(loads)) {
      const p99 = quantile(latenciesMs, 0.99);
      console.log(
        `${road}: ${answered} answers, p50 ${quantile(latenciesMs, 0.5).toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
      );
      assert.deepEqual(failures, [], road);
      assert.ok(answered > amounts.stoppedMs / 1000, `only ${answered} answers by the ${road}`);
      if (isTorture) assert.ok(p99 < slowestMs, `p99 of the ${road} is ${p99} ms`);
    }
    for (const [what, bytes] of Object.entries(before)) {
      const more = (most[what] ?? Number.NaN) - bytes;
      console.log(
        `${what}: ${(bytes / mebibyte).toFixed(0)} MiB, ${(more / mebibyte).toFixed(1)} MiB more at most`,
      );
      assert.ok(more < heldByStopped, `the ${what} holds ${more} bytes more`);
    }

    const heard = readers.lengths();
    for (const reader of readers.all) reader.signal("SIGCONT");
    await waitFor("more for each reader", async () => {
      return readers.lengths().every((length, index) => length > (heard[index] ?? 0) + mebibyte);
    });
    assert.deepEqual(
      readers.all.map(({ isRunning }) => isRunning),
      readers.all.map(() => true),
    );
  });
});

/** Ten requests a second, if each is answered at once. */
const steady = { clients: 2, pauseMs: 200 };

/** Does all jobs, so many at once. */
async function inParallel(
  jobs: number,
  atOnce: number,
  job: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < jobs) {
      next += 1;
      await job(next - 1);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

function contentOf(name: string): string {
  return `
apiVersion: v1
kind: Namespace
metadata: {name: ${name}, labels: {crowd: ${namespace}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: one, namespace: ${name}}
data: {a: "1"}
`;
}

async function hubTls({ hub: { plan } }: FullBed) {
  const [ca, cert, key] = await Promise.all([
    readFile(certificatePath(plan, "ca")),
    readFile(certificatePath(plan, "admin")),
    readFile(keyPath(plan, "admin")),
  ]);
  return { ca, cert, key };
}

/** How many connections the managed cluster's API server has. */
async function connectionsOfManaged(): Promise<number> {
  const { stdout } = await execOn("managed1", [
    "ss",
    "-Htn",
    "state",
    "established",
    "sport = :6443",
  ]);
  return stdout.split("\n").length;
}

/** Three that follow the log, on each road. */
function startReaders(kubeconfigs: readonly string[]) {
  const all: readonly Background[] = kubeconfigs
    .flatMap((kubeconfig) => [kubeconfig, kubeconfig, kubeconfig])
    .map((kubeconfig) => startKubectl(["-n", namespace, "logs", "-f", "flood"], kubeconfig));
  const lengths = () => all.map(({ stdout }) => stdout.length);
  return {
    all,
    lengths,
    haveAll: (length: number) => lengths().every((have) => have > length),
    async [Symbol.asyncDispose]() {
      await Promise.all(all.map(async (reader) => reader[Symbol.asyncDispose]()));
    },
  };
}

/** What all that bytes pass through holds, by what it is. */
async function memoryOfOurs(): Promise<Readonly<Record<string, number>>> {
  const sum = async (cluster: string, argument: string): Promise<number> => {
    const pids = await containerPids(cluster, argument);
    return pids.reduce((total, pid) => total + residentBytes(pid), 0);
  };
  return {
    gateway: await sum("hub", "/app/gateway.mjs"),
    "tunnel server": await sum("hub", "/app/tunnel-server.mjs"),
    agent: await sum("managed1", "tunnel"),
  };
}

/** The most that each held at any moment of that time. */
async function mostMemory(durationMs: number): Promise<Readonly<Record<string, number>>> {
  const most: Record<string, number> = {};
  for (const until = performance.now() + durationMs; performance.now() < until; await sleep(1000)) {
    for (const [what, bytes] of Object.entries(await memoryOfOurs())) {
      most[what] = Math.max(most[what] ?? 0, bytes);
    }
  }
  return most;
}
