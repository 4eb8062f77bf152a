import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { BedError } from "../bed-error.ts";
import { applyManifests, kubectl } from "../cluster-handle.ts";
import { at } from "../conditions.ts";
import type { FullBed } from "../full/full-bed.ts";
import type { FullCluster } from "../full/full-cluster.ts";
import { bedImages } from "../images/names.ts";
import type { Progress } from "../progress.ts";
import { waitFor } from "../wait.ts";
import { fetchFromPod } from "./asker.ts";
import { allClusters, type Proof, type ProofContext, proofNamespace } from "./claim.ts";
import { clusterProofs } from "./cluster-proofs.ts";
import { networkProofs } from "./network-proofs.ts";
import { ocmProofs, removeOcmProofs } from "./ocm-proofs.ts";

/**
 * Proves what the bed promises, one claim a line, and takes away what it needed for it. Throws a
 * `claim` error when one of them does not hold.
 */
export async function proveBed(
  bed: FullBed,
  projectImage: string,
  progress: Progress,
): Promise<void> {
  const clusters = allClusters(bed);
  try {
    await Promise.all(clusters.map(async (cluster) => prepare(cluster, projectImage)));
    const context = await readContext(bed);
    const proofs = [
      ...clusters.flatMap(clusterProofs),
      ...networkProofs(context),
      ...bed.managed.flatMap((cluster) => ocmProofs(bed.hub, cluster)),
    ];
    let failed = 0;
    for (const proof of proofs) if (!(await tryProof(proof, progress))) failed += 1;
    progress.say(`${proofs.length - failed} passed, ${failed} failed`);
    if (failed > 0) throw new BedError("claim", `${failed} of ${proofs.length} claims do not hold`);
  } finally {
    await Promise.all(bed.managed.map(async (cluster) => removeOcmProofs(bed.hub, cluster)));
    await Promise.all(clusters.map(remove));
  }
}

async function tryProof({ says, check }: Proof, progress: Progress): Promise<boolean> {
  try {
    const seen = await check();
    progress.say(`ok    ${says}   [${seen}]`);
    return true;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    progress.say(`FAIL  ${says}\n            ${message}`);
    return false;
  }
}

async function prepare(cluster: FullCluster, projectImage: string): Promise<void> {
  const template = await readFile(
    join(import.meta.dirname, "..", "manifests", "proof.yaml"),
    "utf8",
  );
  const yaml = template
    .replaceAll("WORKLOAD_IMAGE", bedImages.workload)
    .replaceAll("PROJECT_IMAGE", projectImage);
  await applyManifests(cluster, yaml);
  for (const deployment of ["deploy/web", "deploy/asker"]) {
    const status = ["rollout", "status", deployment, "--timeout=90s"];
    await kubectl(cluster, ["-n", proofNamespace, ...status]);
  }
  // A Service answers a moment after its pods are ready.
  await waitFor(`the proofs' Service on ${cluster.plan.name}`, async () =>
    (await fetchFromPod(cluster, "http://web/")).startsWith("200"),
  );
}

async function readContext(bed: FullBed): Promise<ProofContext> {
  const nodePort = async ({ api }: FullCluster): Promise<number> => {
    const service = await api.find(`/api/v1/namespaces/${proofNamespace}/services/web`);
    const ports = at(service, "spec", "ports");
    return Number(at(Array.isArray(ports) ? ports[0] : undefined, "nodePort"));
  };
  const managed = await Promise.all(
    bed.managed.map(async (cluster) => [cluster.plan.name, await nodePort(cluster)] as const),
  );
  return { bed, hubNodePort: await nodePort(bed.hub), managedNodePorts: new Map(managed) };
}

async function remove(cluster: FullCluster): Promise<void> {
  await kubectl(cluster, ["delete", "namespace", proofNamespace, "--ignore-not-found"]);
}
