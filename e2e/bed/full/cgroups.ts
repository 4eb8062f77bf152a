import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { waitFor } from "../wait.ts";

/** One mounted cgroup hierarchy. */
export interface Hierarchy {
  readonly mount: string;
  readonly version: 1 | 2;
}

/**
 * The mounted hierarchies, from the text of `/proc/mounts`: one on a v2 host, one for each
 * controller on a v1 host, and both kinds on a hybrid one, where runc uses both.
 */
export function parseHierarchies(mounts: string): readonly Hierarchy[] {
  return mounts.split("\n").flatMap((line): Hierarchy[] => {
    const [, mount = "", type] = line.split(" ");
    if (type === "cgroup") return [{ mount, version: 1 }];
    return type === "cgroup2" ? [{ mount, version: 2 }] : [];
  });
}

/** A path and all that lead to it, shortest first: `/a`, `/a/b`. */
export function ancestry(cgroup: string): readonly string[] {
  const names = cgroup.split("/").filter((name) => name !== "");
  return names.map((_, index) => `/${names.slice(0, index + 1).join("/")}`);
}

/** The hierarchies of this system. */
export async function findHierarchies(): Promise<readonly Hierarchy[]> {
  return parseHierarchies(await readFile("/proc/mounts", "utf8"));
}

/** Makes a cgroup, with those above it, in every hierarchy. */
export async function createCgroup(cgroup: string): Promise<void> {
  for (const hierarchy of await findHierarchies()) {
    const parents = ["/", ...ancestry(cgroup).slice(0, -1)];
    for (const path of ancestry(cgroup)) {
      const directory = join(hierarchy.mount, path);
      await mkdir(directory, { recursive: true });
      if (hierarchy.version === 1) await fillCpuset(hierarchy.mount, directory);
    }
    if (hierarchy.version === 2) await enableControllers(hierarchy.mount, parents);
  }
}

/** A new cpuset is empty on v1, and lets nobody in. */
async function fillCpuset(root: string, directory: string): Promise<void> {
  if (!existsSync(join(root, "cpuset.cpus"))) return;
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    await writeFile(join(directory, file), await readFile(join(root, file)));
  }
}

/** On v2 a cgroup has the controllers that its parent hands down. */
async function enableControllers(root: string, parents: readonly string[]): Promise<void> {
  for (const parent of parents) {
    const available = await readFile(join(root, parent, "cgroup.controllers"), "utf8");
    const names = available.split(/\s+/u).filter((name) => name !== "");
    if (names.length === 0) return;
    const wanted = names.map((name) => `+${name}`).join(" ");
    await writeFile(join(root, parent, "cgroup.subtree_control"), wanted);
  }
}

/** Removes a cgroup and all below it from every hierarchy, once what was killed there is gone. */
export async function removeCgroup(cgroup: string): Promise<void> {
  for (const { mount } of await findHierarchies()) {
    const directory = join(mount, cgroup);
    // A process that has been killed holds its cgroup until its memory is given back.
    await waitFor(`${directory} to be empty`, async () => tryToRemove(directory), {
      limitMs: 30_000,
      everyMs: 50,
    });
  }
}

async function tryToRemove(directory: string): Promise<true> {
  if (existsSync(directory)) await removeTree(directory);
  return true;
}

async function removeTree(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeTree(join(directory, entry.name));
  }
  await rmdir(directory);
}
