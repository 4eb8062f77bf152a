import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** What a kubelet changes for the whole host when it starts. */
const changedByKubelet = [
  "vm/overcommit_memory",
  "vm/panic_on_oom",
  "kernel/panic",
  "kernel/panic_on_oops",
  "kernel/keys/root_maxkeys",
  "kernel/keys/root_maxbytes",
];

const root = "/proc/sys";

/** Reads the settings that the bed will change. */
export async function readKernelSettings(): Promise<Record<string, string>> {
  const entries = await Promise.all(
    changedByKubelet.map(async (name) => {
      const value = await readFile(join(root, name), "utf8");
      return [name, value.trim()] as const;
    }),
  );
  return Object.fromEntries(entries);
}

/** Puts settings back. */
export async function restoreKernelSettings(
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  for (const [name, value] of Object.entries(settings)) {
    if (changedByKubelet.includes(name)) await writeFile(join(root, name), value);
  }
}
