import { readdir, readFile, rmdir, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { BedError } from "../bed-error.ts";
import { runCommand } from "../command.ts";
import { removeCgroup } from "./cgroups.ts";
import { restoreKernelSettings } from "./kernel-settings.ts";
import { bedCgroup, bedPrefix, machineMountPoints, namespacePath } from "./layout.ts";
import { isInCgroup, listProcesses, type ProcessFacts } from "./processes.ts";
import { readRecord, removeRecord } from "./record.ts";

/** What of a bed, whole or broken, is in the system. */
export interface Leftovers {
  /** Processes to be killed, those first that take others with them. */
  readonly processes: readonly number[];
  /** Named network namespaces to be removed. */
  readonly namespaces: readonly string[];
}

/** The named network namespaces of the system, each with the identity that processes show. */
export type NamedNamespaces = ReadonlyMap<string, string>;

/**
 * Decides what is the bed's, from the system alone, so that a bed that was killed half-way or
 * started from a checkout that is gone is found as well: what runs in the bed's cgroup, what
 * lives in a network namespace of the bed's name, and these namespaces. Nothing goes by the
 * name of a program. `self` and its ancestors are spared.
 */
export function planCleanup(
  processes: readonly ProcessFacts[],
  named: NamedNamespaces,
  self: number,
): Leftovers {
  const namespaces = [...named.keys()].filter((name) => name.startsWith(`${bedPrefix}-`));
  const networks = new Set(namespaces.map((name) => named.get(name)));
  const spared = ancestorsOf(self, processes);
  const ours = processes.filter(
    (facts) =>
      !spared.has(facts.pid) && (isInCgroup(facts, bedCgroup) || networks.has(facts.network)),
  );
  const firstProcesses = ours.filter(({ namespacePids }) => namespacePids.at(-1) === 1);
  const others = ours.filter(({ namespacePids }) => namespacePids.at(-1) !== 1);
  return { namespaces, processes: [...firstProcesses, ...others].map(({ pid }) => pid) };
}

function ancestorsOf(self: number, processes: readonly ProcessFacts[]): ReadonlySet<number> {
  const parents = new Map(processes.map(({ pid, parent }) => [pid, parent]));
  const found = new Set<number>();
  for (let pid: number | undefined = self; pid !== undefined && !found.has(pid); ) {
    found.add(pid);
    pid = parents.get(pid);
  }
  return found;
}

/** Looks at the system. */
export async function findLeftovers(): Promise<Leftovers> {
  const [processes, named] = await Promise.all([listProcesses(), listNamespaces()]);
  return planCleanup(processes, named, process.pid);
}

/** Whether anything of a bed is in the system. */
export async function hasLeftovers(): Promise<boolean> {
  const { processes, namespaces } = await findLeftovers();
  return processes.length > 0 || namespaces.length > 0 || (await readRecord()) !== undefined;
}

/** Ends and removes everything of a bed from the system. Its files stay. */
export async function removeLeftovers(): Promise<void> {
  await killAll();
  await removeCgroup(bedCgroup);
  const { namespaces } = await findLeftovers();
  for (const name of namespaces) await runCommand(["ip", "netns", "delete", name]);
  const record = await readRecord();
  if (record !== undefined) await restoreKernelSettings(record.kernelSettings);
  for (const directory of machineMountPoints) await removeIfEmpty(directory);
  await removeRecord();
}

const killTries = 100;
const killPauseMs = 100;

async function killAll(): Promise<void> {
  for (let tried = 0; tried < killTries; tried += 1) {
    const { processes } = await findLeftovers();
    if (processes.length === 0) return;
    for (const pid of processes) killOne(pid);
    await sleep(killPauseMs);
  }
  throw new BedError("timeout", "Cannot end all processes of the bed");
}

function killOne(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended with one of those before it.
  }
}

async function listNamespaces(): Promise<NamedNamespaces> {
  const names = await readdir(namespacePath("")).catch(() => []);
  const found = await Promise.all(
    names.map(async (name) => [name, `net:[${(await stat(namespacePath(name))).ino}]`] as const),
  );
  return new Map(found);
}

async function removeIfEmpty(directory: string): Promise<void> {
  const mounts = await readFile("/proc/mounts", "utf8");
  if (mounts.split("\n").some((line) => line.split(" ")[1] === directory)) return;
  // Not empty, or not there: then it is not, or no longer, ours to remove.
  await rmdir(directory).catch(() => undefined);
}
