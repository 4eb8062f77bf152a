import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

const link = "..data";

/** Files that change together, as a kubelet mounts a Secret: links through one that is replaced. */
export class MountedSecret {
  readonly #directory: string;
  #version = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  path(name: string): string {
    return join(this.#directory, name);
  }

  /** Replaces the files, all at once. Each time they must be the same ones. */
  async write(files: Readonly<Record<string, string>>): Promise<void> {
    const before = `..${this.#version}`;
    this.#version += 1;
    const version = `..${this.#version}`;
    await mkdir(this.path(version), { recursive: true });
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(this.path(version), name), text, { mode: 0o600 });
    }
    await symlink(version, this.path(`${link}-next`));
    await rename(this.path(`${link}-next`), this.path(link));
    if (this.#version > 1) return rm(this.path(before), { recursive: true });
    for (const name of Object.keys(files)) await symlink(join(link, name), this.path(name));
  }
}
