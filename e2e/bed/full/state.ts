import { createHash } from "node:crypto";
import { hasLeftovers } from "./cleanup.ts";
import { forwardCgroup, machineCgroup } from "./layout.ts";
import { findFirstProcess, findSupervisors } from "./machine.ts";
import { listProcesses, type ProcessFacts } from "./processes.ts";
import { type BedRecord, readRecord } from "./record.ts";

/** The bed that this checkout wants. */
export interface WantedBed {
  readonly root: string;
  readonly clusters: readonly string[];
  readonly fingerprint: string;
}

/**
 * What is on this machine:
 *
 * - `none`: nothing of any bed.
 * - `running`: this checkout's, as it is wanted, and whole.
 * - `foreign`: another checkout's, and whole.
 * - `broken`: killed half-way, damaged, or not as this checkout wants it.
 */
export type BedState =
  | { readonly kind: "none" }
  | { readonly kind: "running" }
  | { readonly kind: "foreign"; readonly root: string }
  | { readonly kind: "broken"; readonly why: string };

/** Programs without which no cluster is whole. */
const machinePrograms = [
  "etcd",
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "containerd",
  "kubelet",
  "kube-proxy",
];
const hubPrograms = ["ocm-registration", "ocm-addon", "ocm-placement", "ocm-addon-conversion"];
const managedPrograms = ["ocm-registration-agent", "ocm-work-agent"];

/** Looks at the system and at the record of the bed. */
export async function readBedState(wanted: WantedBed): Promise<BedState> {
  const record = await readRecord();
  if (record === undefined) {
    const isClean = !(await hasLeftovers());
    return isClean ? { kind: "none" } : { kind: "broken", why: "it left no record" };
  }
  return judgeBed(record, await listProcesses(), wanted);
}

/** Decides what a recorded bed is to this checkout, from what runs. */
export function judgeBed(
  record: BedRecord,
  processes: readonly ProcessFacts[],
  wanted: WantedBed,
): BedState {
  if (!record.complete) return { kind: "broken", why: "it never came up" };
  const missing = missingPrograms(record.clusters, processes);
  if (missing.length > 0) return { kind: "broken", why: `not running: ${missing.join(", ")}` };
  if (record.root !== wanted.root) return { kind: "foreign", root: record.root };
  if (record.clusters.join() !== wanted.clusters.join()) {
    return { kind: "broken", why: `it has the clusters ${record.clusters.join(", ")}` };
  }
  if (record.fingerprint !== wanted.fingerprint) {
    return { kind: "broken", why: "it runs other versions" };
  }
  return { kind: "running" };
}

function missingPrograms(
  clusters: readonly string[],
  processes: readonly ProcessFacts[],
): readonly string[] {
  const forwards = findSupervisors(processes, forwardCgroup);
  return clusters.flatMap((cluster, index) => {
    if (findFirstProcess(processes, cluster) === undefined) return [`machine ${cluster}`];
    const running = findSupervisors(processes, machineCgroup(cluster));
    const own = [...machinePrograms, ...(index === 0 ? hubPrograms : managedPrograms)];
    const forwardNames = [`${cluster}-inside`, `${cluster}-outside`];
    return [
      ...own.filter((name) => !running.has(name)).map((name) => `${name} on ${cluster}`),
      ...forwardNames.filter((name) => !forwards.has(name)),
    ];
  });
}

/** Two beds of the same programs have the same fingerprint. */
export function fingerprintOf(programs: readonly string[]): string {
  return createHash("sha256").update(programs.join("\n")).digest("hex");
}
