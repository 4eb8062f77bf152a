import { existsSync } from "node:fs";
import { copyFile, cp, mkdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as z from "zod";
import { bundlePrograms } from "../../../tools/bundle.ts";
import { runCommand } from "../command.ts";
import { buildImage } from "./buildah.ts";

const repository = join(import.meta.dirname, "..", "..", "..");
const imageRepository = "ghcr.io/spokeway/spokeway";
const authorities = "/etc/ssl/certs/ca-certificates.crt";
const nonRoot = 65_532;

/** The image of all processes of this checkout. */
export interface ProjectImage {
  /** With its tag, which is the version of package.json. */
  readonly name: string;
  readonly archive: string;
}

/** Names the image of this checkout, and where its archive is built. */
export async function projectImage(): Promise<ProjectImage> {
  const text = await readFile(join(repository, "package.json"), "utf8");
  const { version } = z.object({ version: z.string() }).parse(JSON.parse(text));
  return {
    name: `${imageRepository}:v${version}`,
    archive: join(repository, ".build", "image.tar"),
  };
}

/** Builds the image unless nothing that goes into it has changed. Returns whether it was built. */
export async function buildProjectImage(image: ProjectImage): Promise<boolean> {
  const context = join(repository, ".build", "image");
  await rm(context, { recursive: true, force: true });
  await fillRoot(join(context, "root"));
  await fillApp(join(context, "app"));
  const containerfile = join(repository, "Containerfile");
  return buildImage({ ...image, containerfile, context });
}

/** Node, the shared objects that it names, and the few files that both look for. */
async function fillRoot(root: string): Promise<void> {
  const node = await realpath(join(repository, "node_modules", ".bin", "node"));
  await put(node, join(root, "usr", "local", "bin", "node"));
  for (const library of parseLibraries(await runCommand(["ldd", node]))) {
    await put(await realpath(library), join(root, library));
  }
  await put(authorities, join(root, authorities));
  await mkdir(join(root, "tmp"));
  await runCommand(["chmod", "1777", join(root, "tmp")]);
  const accounts = {
    passwd: `root:x:0:0:root:/:/sbin/nologin\nnonroot:x:${nonRoot}:${nonRoot}:nonroot:/tmp:/sbin/nologin\n`,
    group: `root:x:0:\nnonroot:x:${nonRoot}:\n`,
    // Without it the C library does not look into /etc/hosts first.
    "nsswitch.conf": "hosts: files dns\n",
  };
  for (const [name, content] of Object.entries(accounts)) {
    await writeFile(join(root, "etc", name), content);
  }
}

/** The absolute paths in what `ldd` prints. */
export function parseLibraries(printed: string): readonly string[] {
  return printed.split("\n").flatMap((line) => /(\/\S+) \(0x/u.exec(line)?.[1] ?? []);
}

async function fillApp(app: string): Promise<void> {
  await mkdir(app, { recursive: true });
  await bundlePrograms(join(repository, "cmd"), app);
  const protos = join(repository, "protos");
  if (existsSync(protos)) await cp(protos, join(app, "protos"), { recursive: true });
}

async function put(source: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  await copyFile(source, target);
}
