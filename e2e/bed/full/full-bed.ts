import { copyFile, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { BedError } from "../bed-error.ts";
import { buildBedImages } from "../images/bed-images.ts";
import { startOcmHub } from "../ocm/hub.ts";
import { joinOcm } from "../ocm/join.ts";
import { isFree } from "../process/ports.ts";
import type { Progress } from "../progress.ts";
import { fullTools, toolModules } from "../tool-modules.ts";
import { findTools, type Tools } from "../toolchain.ts";
import { type FullClusterPlan, planFullCluster } from "./addresses.ts";
import { removeLeftovers } from "./cleanup.ts";
import { type FullCluster, openFullCluster, startFullCluster } from "./full-cluster.ts";
import { importImages } from "./image-import.ts";
import { readKernelSettings } from "./kernel-settings.ts";
import { type BedFiles, bedFiles, bedRoot, clusterNames } from "./layout.ts";
import { createNetwork } from "./network.ts";
import { assertClaims, brokenClaims, isolationClaims } from "./reachability.ts";
import { type BedRecord, readRecord, writeRecord } from "./record.ts";
import { fingerprintOf, readBedState, type WantedBed } from "./state.ts";

/** What the full bed is made of. */
export interface FullBedOptions {
  /** `.bed` of the checkout. */
  readonly root: string;
  /** How many managed clusters there are beside the hub. */
  readonly managed: number;
  /** The archive of the project's image, which every cluster gets. */
  readonly projectImage: string;
}

/** The full bed, running. */
export interface FullBed {
  readonly files: BedFiles;
  readonly tools: Tools;
  readonly hub: FullCluster;
  readonly managed: readonly FullCluster[];
}

/**
 * Brings the bed to life: leaves it alone where it runs, cleans up after one that was killed, and
 * refuses where another checkout's bed is at work. Proves before it returns that nothing gets
 * from the hub to a managed cluster.
 */
export async function startFullBed(options: FullBedOptions, progress: Progress): Promise<FullBed> {
  const files = bedFiles(options.root);
  const tools = await findTools(fullTools);
  const clusters = clusterNames(options.managed);
  const plans = clusters.map((name, index) => planFullCluster(name, index, files));
  const wanted: WantedBed = { root: options.root, clusters, fingerprint: fingerprint(tools) };
  if (await isWhole(wanted, plans, progress)) {
    progress.say("the bed runs already, and is whole");
    await loadImages(clusters, [options.projectImage]);
  } else {
    await removeLeftovers();
    await startFresh(plans, wanted, { ...options, files, tools, progress });
    await progress.step("proof that nothing gets from the hub to a managed cluster", async () =>
      assertClaims(isolationClaims(plans)),
    );
  }
  return openFullBed(plans, files, tools);
}

/** Whether the bed can be left as it is. Says why where it cannot. */
async function isWhole(
  wanted: WantedBed,
  plans: readonly FullClusterPlan[],
  progress: Progress,
): Promise<boolean> {
  const state = await readBedState(wanted);
  switch (state.kind) {
    case "none":
      return false;
    case "foreign":
      throw new BedError(
        "busy",
        `The bed of another checkout runs, ${state.root}: \`make down\`, there or here, ends it`,
      );
    case "broken":
      progress.say(`cleaning up after a bed: ${state.why}`);
      return false;
    case "running": {
      const broken = await brokenClaims(isolationClaims(plans));
      if (broken.length > 0) progress.say(`starting anew: ${broken.join("; ")}`);
      return broken.length === 0;
    }
  }
}

interface FreshContext extends FullBedOptions {
  readonly files: BedFiles;
  readonly tools: Tools;
  readonly progress: Progress;
}

async function startFresh(
  plans: readonly FullClusterPlan[],
  wanted: WantedBed,
  { root, projectImage, files, tools, progress }: FreshContext,
): Promise<void> {
  await assertPortsAreFree(plans);
  await clearFiles(root);
  const record: BedRecord = {
    ...wanted,
    clusters: [...wanted.clusters],
    complete: false,
    kernelSettings: await readKernelSettings(),
  };
  await writeRecord(record);
  await linkPrograms(root, tools);
  const ownImages = await progress.step("the bed's own images", async () =>
    buildBedImages(join(root, "..", ".build", "bed-images"), tools),
  );
  await createNetwork(plans);
  const context = { files, tools, progress, images: [...ownImages, projectImage] };
  const clusters = await progress.step("clusters", async () =>
    Promise.all(plans.map(async (plan) => startFullCluster(plan, context))),
  );
  await progress.step("Open Cluster Management", async () => joinAll(clusters));
  for (const { api } of clusters) api.close();
  await writeRecord({ ...record, complete: true });
}

async function joinAll(clusters: readonly FullCluster[]): Promise<void> {
  const [hub, ...managed] = clusters;
  if (hub === undefined) return;
  await startOcmHub(hub, {
    managed: managed.map(({ plan }) => plan.name),
    clusterProfiles: true,
  });
  await Promise.all(managed.map(async (cluster) => joinOcm(hub, cluster)));
}

/** Ends the bed of this machine, whoever started it, and removes this checkout's files of it. */
export async function stopFullBed(root: string): Promise<void> {
  await removeLeftovers();
  await clearFiles(root);
}

/** Gives images (archives) to all clusters, in place of older ones of their names. */
export async function loadImages(
  clusters: readonly string[],
  archives: readonly string[],
): Promise<void> {
  await Promise.all(clusters.map(async (cluster) => importImages(cluster, archives)));
}

async function openFullBed(
  plans: readonly FullClusterPlan[],
  files: BedFiles,
  tools: Tools,
): Promise<FullBed> {
  const clusters = await Promise.all(
    plans.map(async (plan) => openFullCluster(plan, { files, tools })),
  );
  const [hub, ...managed] = clusters;
  if (hub === undefined) throw new BedError("ended", "The bed has no hub");
  return { files, tools, hub, managed };
}

/**
 * Connects to the bed of this checkout, or of the checkout whose `.bed` is given. Throws an
 * `ended` error where it does not run.
 */
export async function findFullBed(root: string = bedRoot): Promise<FullBed> {
  const files = bedFiles(root);
  const tools = await findTools(fullTools);
  const clusters = (await readRecord())?.clusters ?? [];
  const state = await readBedState({ root, clusters, fingerprint: fingerprint(tools) });
  if (state.kind !== "running") {
    const why = state.kind === "broken" ? `: ${state.why}` : "";
    throw new BedError(
      "ended",
      `The bed of this checkout does not run${why}. \`make up\` starts it`,
    );
  }
  const plans = clusters.map((name, index) => planFullCluster(name, index, files));
  return openFullBed(plans, files, tools);
}

function fingerprint(tools: Tools): string {
  const programs = fullTools.flatMap((name) => Object.keys(toolModules[name].programs));
  return fingerprintOf(programs.map((program) => tools.path(program)));
}

async function assertPortsAreFree(plans: readonly FullClusterPlan[]): Promise<void> {
  for (const { outsidePort } of plans) {
    if (await isFree(outsidePort)) continue;
    throw new BedError("busy", `Something else listens on port ${outsidePort} of 127.0.0.1`);
  }
}

/** Kubeconfigs that a person has put there stay. */
async function clearFiles(root: string): Promise<void> {
  await mkdir(root, { recursive: true });
  for (const name of await readdir(root)) {
    if (/^(?:clusters|logs|bin|helm|hub\.kubeconfig|managed\d+\.kubeconfig)$/u.test(name)) {
      await rm(join(root, name), { recursive: true, force: true });
    }
  }
}

/** What a person types, from a place that is easy to name. */
async function linkPrograms(root: string, tools: Tools): Promise<void> {
  const directory = join(root, "bin");
  await mkdir(directory, { recursive: true });
  for (const program of ["kubectl", "helm"]) {
    await copyFile(tools.path(program), join(directory, program));
  }
}
