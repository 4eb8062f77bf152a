import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { tryCommand } from "#bed";

const name = /spokeway/u;

/**
 * What the system knows of a bed, a line each. It asks the system by means other than the bed's
 * own clean-up, which it is there to judge.
 */
export async function findTraces(): Promise<readonly string[]> {
  const found = await Promise.all([networks(), mounts(), cgroups()]);
  return found.flat();
}

async function networks(): Promise<readonly string[]> {
  const listed = (await tryCommand(["ip", "netns", "list"])).stdout.split("\n");
  const rules = (await tryCommand(["nft", "list", "tables"])).stdout.split("\n");
  return [
    ...listed.filter((line) => name.test(line)).map((line) => `network namespace ${line}`),
    ...rules.filter((line) => /\b(?:bed|spokeway)\b/u.test(line)).map((line) => `rules ${line}`),
  ];
}

async function mounts(): Promise<readonly string[]> {
  const lines = (await readFile("/proc/self/mounts", "utf8")).split("\n");
  return lines
    .map((line) => line.split(" ")[1] ?? "")
    .filter((path) => path.includes("/.bed/") || path.startsWith("/run/netns/spokeway"))
    .map((path) => `mount ${path}`);
}

/** Cgroups of the bed, and the processes in them. */
async function cgroups(): Promise<readonly string[]> {
  const root = "/sys/fs/cgroup";
  const entries = await readdir(root, { recursive: true }).catch(() => []);
  const ours = entries.filter((path) => path.split("/").some((part) => part === "spokeway"));
  const files = ours.filter((path) => path.endsWith("/cgroup.procs"));
  const running = await Promise.all(
    files.map(async (path) => {
      const pids = await readFile(join(root, path), "utf8").catch(() => "");
      const programs = pids.split("\n").filter((pid) => pid !== "");
      return Promise.all(programs.map(async (pid) => `cgroup ${path} runs ${await program(pid)}`));
    }),
  );
  return [...files.map((path) => `cgroup ${path}`), ...running.flat()];
}

async function program(pid: string): Promise<string> {
  const argv = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return argv.split("\0")[0] ?? "";
}
