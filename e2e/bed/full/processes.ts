import { readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";

/** As much of a process as it takes to tell whether it is the bed's. */
export interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  readonly argv: readonly string[];
  /** Its cgroups, one for each hierarchy. */
  readonly cgroups: readonly string[];
  /** Its number in each PID namespace that sees it, outermost first. */
  readonly namespacePids: readonly number[];
  /** Its network namespace, such as `net:[4026531840]`. */
  readonly network: string;
}

/** Everything that runs on this system now. */
export async function listProcesses(): Promise<readonly ProcessFacts[]> {
  const entries = await readdir("/proc");
  const found = await Promise.all(
    entries.filter((name) => /^\d+$/u.test(name)).map(async (pid) => readProcess(Number(pid))),
  );
  return found.filter((facts) => facts !== undefined);
}

/** Reads one process, or `undefined` once it has ended. A zombie has ended. */
export async function readProcess(pid: number): Promise<ProcessFacts | undefined> {
  const directory = join("/proc", String(pid));
  try {
    const [cmdline, cgroup, status, network] = await Promise.all([
      readFile(join(directory, "cmdline"), "utf8"),
      readFile(join(directory, "cgroup"), "utf8"),
      readFile(join(directory, "status"), "utf8"),
      readlink(join(directory, "ns", "net")),
    ]);
    return {
      pid,
      network,
      parent: Number(statusField(status, "PPid")),
      argv: cmdline.split("\0").slice(0, -1),
      cgroups: parseCgroups(cgroup),
      namespacePids: statusField(status, "NSpid").split(/\s+/u).map(Number),
    };
  } catch {
    // It ended between two reads.
    return undefined;
  }
}

/** The paths in the text of `/proc/PID/cgroup`. */
export function parseCgroups(text: string): readonly string[] {
  return text.split("\n").flatMap((line) => {
    const path = line.split(":").slice(2).join(":");
    return path === "" ? [] : [path];
  });
}

function statusField(status: string, name: string): string {
  const line = status.split("\n").find((candidate) => candidate.startsWith(`${name}:`));
  return line?.slice(name.length + 1).trim() ?? "";
}

/** Whether a process is in a cgroup or below it, in any hierarchy. */
export function isInCgroup({ cgroups }: ProcessFacts, cgroup: string): boolean {
  return cgroups.some((path) => path === cgroup || path.startsWith(`${cgroup}/`));
}
