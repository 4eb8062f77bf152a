import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { BedError } from "../bed-error.ts";
import type { Program } from "../cluster-plan.ts";
import { runCommand } from "../command.ts";
import { waitFor } from "../wait.ts";
import type { FullClusterPlan } from "./addresses.ts";
import { createCgroup } from "./cgroups.ts";
import {
  type BedFiles,
  machineCgroup,
  machineMountPoints,
  machineNamespace,
  namespacePath,
} from "./layout.ts";
import { isInCgroup, listProcesses, type ProcessFacts } from "./processes.ts";

const scripts = join(import.meta.dirname, "..", "machine");
const initScript = join(scripts, "init.sh");
const enterScript = join(scripts, "enter.sh");
const superviseScript = join(scripts, "supervise.sh");

/**
 * Starts a machine: a process tree with its own network, mounts, processes and host name, which
 * ends as a whole with its first process.
 */
export async function startMachine(plan: FullClusterPlan, files: BedFiles): Promise<void> {
  const ready = join(plan.directory, "machine-ready");
  await mkdir(plan.directory, { recursive: true });
  await mkdir(files.logs(plan.name), { recursive: true });
  await rm(ready, { force: true });
  for (const directory of machineMountPoints) await mkdir(directory, { recursive: true });
  await createCgroup(machineCgroup(plan.name));
  const own = ["--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc"];
  const log = join(files.logs(plan.name), "machine.log");
  spawnDetached(
    [
      enterScript,
      machineCgroup(plan.name),
      "nsenter",
      `--net=${namespacePath(machineNamespace(plan.name))}`,
      "unshare",
      ...own,
      initScript,
      plan.name,
      plan.directory,
    ],
    log,
  );
  await waitFor(`the machine of ${plan.name}`, async () => existsSync(ready), {
    limitMs: 20_000,
    everyMs: 20,
  });
}

/** Starts a program on a machine and keeps it running. Its log is `logs/CLUSTER/NAME.log`. */
export async function startOnMachine(
  plan: FullClusterPlan,
  files: BedFiles,
  program: Program,
): Promise<void> {
  for (const [path, content] of Object.entries(program.files ?? {})) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
  const log = join(files.logs(plan.name), `${program.name}.log`);
  const inside = await onMachine(plan.name);
  const supervised = [superviseScript, program.name, log, ...program.argv];
  spawnDetached([enterScript, machineCgroup(plan.name), ...inside, ...supervised], log);
}

/** The beginning of a command line that runs the rest of it on a machine. */
export async function onMachine(cluster: string): Promise<readonly string[]> {
  const first = findFirstProcess(await listProcesses(), cluster);
  if (first === undefined) throw new BedError("ended", `The machine of ${cluster} does not run`);
  return ["nsenter", "-t", String(first.pid), "-m", "-u", "-i", "-n", "-p", "--"];
}

/** Runs a command on a machine, as root of it, and returns what it printed. */
export async function runOnMachine(
  cluster: string,
  argv: readonly string[],
  input?: string,
): Promise<string> {
  const inside = await onMachine(cluster);
  return runCommand([...inside, ...argv], input === undefined ? {} : { input });
}

/** Process 1 of a machine, found by its cgroup and by its number inside. */
export function findFirstProcess(
  processes: readonly ProcessFacts[],
  cluster: string,
): ProcessFacts | undefined {
  return processes.find(
    (facts) =>
      isInCgroup(facts, machineCgroup(cluster)) &&
      facts.namespacePids.length === 2 &&
      facts.namespacePids[1] === 1,
  );
}

/** The programs that are kept running in a cgroup: name to the process that keeps it. */
export function findSupervisors(
  processes: readonly ProcessFacts[],
  cgroup: string,
): ReadonlyMap<string, ProcessFacts> {
  return new Map(
    processes.flatMap((facts): readonly (readonly [string, ProcessFacts])[] => {
      const [, script = "", name = ""] = facts.argv;
      const isSupervisor = script.endsWith("/machine/supervise.sh") && isInCgroup(facts, cgroup);
      return isSupervisor ? [[name, facts]] : [];
    }),
  );
}

/** Starts and keeps a program in a cgroup outside of all machines. */
export function startOutside(cgroup: string, program: Program, log: string): void {
  spawnDetached([enterScript, cgroup, superviseScript, program.name, log, ...program.argv], log);
}

/** Starts something that outlives this process and its terminal. */
function spawnDetached(argv: readonly string[], log: string): void {
  const [program = "", ...rest] = argv;
  const child = spawn("sh", ["-c", 'exec "$@" >>"$0" 2>&1 </dev/null', log, program, ...rest], {
    detached: true,
    stdio: "ignore",
  });
  child.unref();
}
