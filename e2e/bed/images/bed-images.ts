import { copyFile, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "../command.ts";
import type { Tools } from "../toolchain.ts";
import { buildImage } from "./buildah.ts";
import { bedImages } from "./names.ts";

const recipes = join(import.meta.dirname, "..", "..", "images");
const busybox = "/bin/busybox";
const webPage = "This is the bed's workload.\n";

/** Builds the images that the bed needs for itself and returns their archives. */
export async function buildBedImages(directory: string, tools: Tools): Promise<readonly string[]> {
  const fillers = {
    pause: async (context: string) => {
      const source = join(recipes, "pause", "pause.c");
      await runCommand(["gcc", "-Os", "-static", "-s", "-o", join(context, "pause"), source]);
    },
    coredns: async (context: string) => {
      await copyFile(tools.path("coredns"), join(context, "coredns"));
    },
    workload: fillWorkload,
  } as const satisfies Record<keyof typeof bedImages, (context: string) => Promise<void>>;
  const archives: string[] = [];
  for (const image of ["pause", "coredns", "workload"] as const) {
    const context = join(directory, image);
    await rm(context, { recursive: true, force: true });
    await mkdir(context, { recursive: true });
    await fillers[image](context);
    const archive = join(directory, `${image}.tar`);
    const containerfile = join(recipes, image, "Containerfile");
    await buildImage({ name: bedImages[image], containerfile, context, archive });
    archives.push(archive);
  }
  return archives;
}

async function fillWorkload(context: string): Promise<void> {
  const root = join(context, "root");
  for (const directory of ["bin", "etc", "srv"]) {
    await mkdir(join(root, directory), { recursive: true });
  }
  await mkdir(join(root, "tmp"), { mode: 0o777 });
  await runCommand(["chmod", "1777", join(root, "tmp")]);
  await copyFile(busybox, join(root, "bin", "busybox"));
  const applets = (await runCommand([busybox, "--list"])).split("\n");
  for (const applet of applets) {
    if (applet !== "" && applet !== "busybox") await symlink("busybox", join(root, "bin", applet));
  }
  await writeAccounts(root);
  await writeFile(join(root, "srv", "index.html"), webPage);
}

async function writeAccounts(root: string): Promise<void> {
  await writeFile(
    join(root, "etc", "passwd"),
    "root:x:0:0:root:/:/bin/sh\nworkload:x:65532:65532:workload:/tmp:/bin/sh\n",
  );
  await writeFile(join(root, "etc", "group"), "root:x:0:\nworkload:x:65532:\n");
}
