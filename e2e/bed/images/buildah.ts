import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, readlink, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { runCommand } from "../command.ts";

/** An image to be built from a Containerfile. */
export interface ImageRequest {
  /** Its full name, tag included. */
  readonly name: string;
  readonly containerfile: string;
  /** The directory that the Containerfile copies from. */
  readonly context: string;
  /** The archive to be written: what `docker load`, `podman load` and containerd read. */
  readonly archive: string;
}

/**
 * Builds an image into an archive, unless the archive has been built from the same files before.
 * Returns whether it was built. Reaches no registry, and keeps no store of images.
 */
export async function buildImage(request: ImageRequest): Promise<boolean> {
  const stamp = `${request.archive}.inputs`;
  const inputs = await hashInputs(request);
  if (existsSync(request.archive) && (await readText(stamp)) === inputs) return false;
  await mkdir(dirname(request.archive), { recursive: true });
  await rm(stamp, { force: true });
  await build(request);
  await writeFile(stamp, inputs);
  return true;
}

async function build({ name, containerfile, context, archive }: ImageRequest): Promise<void> {
  const store = `${archive}.store`;
  await rm(store, { recursive: true, force: true });
  await mkdir(store);
  const storage = ["--root", join(store, "root"), "--runroot", join(store, "run")];
  const buildah = ["buildah", ...storage, "--storage-driver", "vfs"];
  const partial = join(store, "archive.tar");
  const recipe = ["--isolation", "chroot", "--timestamp", "0", "--tag", name, "-f", containerfile];
  try {
    await runCommand([...buildah, "build", ...recipe, context]);
    await runCommand([...buildah, "push", name, `docker-archive:${partial}:${name}`]);
    await rename(partial, archive);
  } finally {
    await rm(store, { recursive: true, force: true });
  }
}

async function hashInputs({ name, containerfile, context }: ImageRequest): Promise<string> {
  const hash = createHash("sha256")
    .update(name)
    .update(await readFile(containerfile));
  const entries = await readdir(context, { recursive: true, withFileTypes: true });
  const paths = entries.map((entry) => ({ entry, path: join(entry.parentPath, entry.name) }));
  for (const { entry, path } of paths.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    hash.update(path.slice(context.length));
    if (entry.isFile()) hash.update(await readFile(path));
    if (entry.isSymbolicLink()) hash.update(await readlink(path));
  }
  return hash.digest("hex");
}

async function readText(path: string): Promise<string> {
  return existsSync(path) ? readFile(path, "utf8") : "";
}
