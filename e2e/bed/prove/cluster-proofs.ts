import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { BedError } from "../bed-error.ts";
import { kubectl } from "../cluster-handle.ts";
import { programPids, restartProgram } from "../full/faults.ts";
import type { FullCluster } from "../full/full-cluster.ts";
import { waitFor } from "../wait.ts";
import { fetchFromPod } from "./asker.ts";
import { expectSeen, type Proof, proofNamespace } from "./claim.ts";

const copiedBytes = 5_000_000;
const followMs = 3_000;

/** What must work inside of any cluster: it is a whole one. */
export function clusterProofs(cluster: FullCluster): readonly Proof[] {
  const { name } = cluster.plan;
  const inNamespace = async (...args: readonly string[]): Promise<string> =>
    kubectl(cluster, ["-n", proofNamespace, ...args]);
  return [
    {
      says: `${name}: a pod reaches a Service by its name`,
      check: async () => expectSeen(await fetchFromPod(cluster, "http://web/"), /^200 .*workload/u),
    },
    {
      says: `${name}: a pod's own token is good at kubernetes.default.svc, over verified TLS`,
      check: async () => {
        const url = "https://kubernetes.default.svc/version";
        const seen = await fetchFromPod(cluster, url, { withToken: true });
        return expectSeen(seen, /^200 [\s\S]*v1\.35/u)
          .slice(0, 40)
          .replaceAll(/\s+/gu, " ");
      },
    },
    {
      says: `${name}: exec hands standard input on`,
      check: async () => {
        const args = ["-n", proofNamespace, "exec", "-i", "deploy/web", "--", "cat"];
        return expectSeen(await kubectl(cluster, args, "hello"), "hello");
      },
    },
    {
      says: `${name}: cp brings a file of 5 MB into a pod whole`,
      check: async () => provesCopy(cluster, inNamespace),
    },
    { says: `${name}: logs -f stays open`, check: async () => provesFollow(cluster) },
    { says: `${name}: port-forward carries a request`, check: async () => provesForward(cluster) },
    {
      says: `${name}: a program that is killed is started again`,
      check: async () => provesRestart(name),
    },
  ];
}

async function provesCopy(
  cluster: FullCluster,
  run: (...args: readonly string[]) => Promise<string>,
): Promise<string> {
  const bytes = randomBytes(copiedBytes);
  const local = join(cluster.plan.directory, "proof-copy");
  const selector = ["get", "pod", "-l", "app=web", "-o", "jsonpath={.items[0].metadata.name}"];
  await writeFile(local, bytes);
  try {
    const pod = await run(...selector);
    await run("cp", local, `${pod}:/tmp/copy`);
    const sum = await run("exec", pod, "--", "sha256sum", "/tmp/copy");
    const wanted = createHash("sha256").update(bytes).digest("hex");
    return expectSeen(sum.slice(0, wanted.length), wanted).slice(0, 12);
  } finally {
    await rm(local, { force: true });
  }
}

async function provesFollow(cluster: FullCluster): Promise<string> {
  const child = startKubectl(cluster, ["logs", "-f", "deploy/web"]);
  try {
    await sleep(followMs);
    if (child.exitCode === null) return `open after ${followMs / 1000} s`;
    throw new BedError("claim", `kubectl logs -f ended with ${child.exitCode}`);
  } finally {
    child.kill("SIGKILL");
  }
}

async function provesForward(cluster: FullCluster): Promise<string> {
  const child = startKubectl(cluster, ["port-forward", "deploy/web", ":8080"]);
  try {
    const lines = createInterface(child.stdout);
    const [line] = (await once(lines, "line", { signal: AbortSignal.timeout(20_000) })) as string[];
    const port = /127\.0\.0\.1:(\d+)/u.exec(line ?? "")?.[1];
    const response = await fetch(`http://127.0.0.1:${port}/`);
    return expectSeen((await response.text()).trim(), /workload/u);
  } finally {
    child.kill("SIGKILL");
  }
}

async function provesRestart(cluster: string): Promise<string> {
  const program = "kube-scheduler";
  const before = await programPids(cluster, program);
  await restartProgram(cluster, program);
  return waitFor(`${program} of ${cluster}`, async () => {
    const [now] = await programPids(cluster, program);
    return now !== undefined && !before.includes(now) ? `${program} is another process` : undefined;
  });
}

function startKubectl(cluster: FullCluster, args: readonly string[]) {
  return spawn(
    cluster.tools.path("kubectl"),
    ["--kubeconfig", cluster.kubeconfig, "-n", proofNamespace, ...args],
    { stdio: ["ignore", "pipe", "ignore"] },
  );
}
