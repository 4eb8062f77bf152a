import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { BedError } from "./bed-error.ts";
import { runCommand } from "./command.ts";
import type { Progress } from "./progress.ts";
import { type ToolModule, type ToolModuleName, toolModules } from "./tool-modules.ts";

/** Where the programs of the bed lie once they are built. */
export interface Tools {
  /** The path of one program, such as `kube-apiserver` or `registration`. */
  path(program: string): string;
  /** OCM's own manifests: `cluster-manager/hub`, `klusterlet/managed`, `klusterlet/management`. */
  readonly ocmManifests: string;
}

const modulesDirectory = join(import.meta.dirname, "tools");
const buildLimitMs = 30 * 60_000;

/** Everything that outlives a checkout lies here; `SPOKEWAY_CACHE` moves it. */
export function cacheDirectory(env: Readonly<Record<string, string | undefined>>): string {
  const base = env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return resolve(env["SPOKEWAY_CACHE"] ?? join(base, "spokeway"));
}

/** Builds what the cache does not hold yet, one program after another. */
export async function buildTools(
  names: readonly ToolModuleName[],
  progress: Progress,
  signal?: AbortSignal,
): Promise<void> {
  for (const name of names) {
    const directory = await homeOf(name);
    if (existsSync(directory)) progress.say(`${name} ${toolModules[name].version}: in the cache`);
    else await buildModule(name, directory, progress, signal);
  }
}

/** Finds the built programs. Throws a `tools` error when one of the modules is not built. */
export async function findTools(names: readonly ToolModuleName[]): Promise<Tools> {
  const programs = new Map<string, string>();
  let ocmManifests = "";
  for (const name of names) {
    const directory = await homeOf(name);
    if (!existsSync(directory)) {
      const target = toolModules[name].target;
      throw new BedError("tools", `${name} is not built: run \`make ${target}\` first`);
    }
    for (const program of Object.keys(toolModules[name].programs)) {
      programs.set(program, join(directory, program));
    }
    if (name === "ocm") ocmManifests = join(directory, "manifests");
  }
  return {
    ocmManifests,
    path(program) {
      const path = programs.get(program);
      if (path === undefined) throw new BedError("tools", `No module here builds ${program}`);
      return path;
    },
  };
}

/** The cache is keyed by all that decides the result: name, version and the module's own files. */
async function homeOf(name: ToolModuleName): Promise<string> {
  const source = join(modulesDirectory, name);
  const hash = createHash("sha256").update(JSON.stringify(toolModules[name]));
  for (const file of (await readdir(source)).toSorted()) {
    hash.update(file).update(await readFile(join(source, file)));
  }
  const key = `${name}-${toolModules[name].version}-${hash.digest("hex").slice(0, 12)}`;
  return join(cacheDirectory(process.env), "tools", key);
}

async function buildModule(
  name: ToolModuleName,
  directory: string,
  progress: Progress,
  signal: AbortSignal | undefined,
): Promise<void> {
  const module: ToolModule = toolModules[name];
  // Built aside and renamed at the end: a directory of that name is always whole.
  const partial = `${directory}.partial-${process.pid}`;
  await removeAbandoned(directory);
  await mkdir(partial, { recursive: true });
  try {
    for (const [program, path] of Object.entries(module.programs)) {
      await progress.step(`building ${program} ${module.version}`, async () => {
        await goBuild(name, module, join(partial, program), path, signal);
      });
    }
    if (name === "ocm") await copyOcmManifests(join(partial, "manifests"));
    await rename(partial, directory).catch((error: unknown) => {
      // Someone else was quicker; theirs is as good.
      if (!existsSync(directory)) throw error;
    });
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** Builds that were killed leave what they had. */
async function removeAbandoned(directory: string): Promise<void> {
  const home = dirname(directory);
  for (const name of existsSync(home) ? await readdir(home) : []) {
    const pid = /\.partial-(\d+)$/u.exec(name)?.[1];
    if (pid === undefined || existsSync(join("/proc", pid))) continue;
    await rm(join(home, name), { recursive: true, force: true });
  }
}

async function goBuild(
  name: ToolModuleName,
  module: ToolModule,
  output: string,
  packagePath: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const flags = ["-s", "-w", ...module.linkerFlags].join(" ");
  await runCommand(
    ["go", "build", "-mod=readonly", "-trimpath", "-ldflags", flags, "-o", output, packagePath],
    {
      cwd: join(modulesDirectory, name),
      env: { CGO_ENABLED: "0", GOTOOLCHAIN: "local", GOFLAGS: "-buildvcs=false" },
      timeoutMs: buildLimitMs,
      ...(signal === undefined ? {} : { signal }),
    },
  );
}

/** The CRDs and roles that OCM's operator would install are files of the same module. */
async function copyOcmManifests(target: string): Promise<void> {
  const source = await runCommand(
    ["go", "list", "-m", "-f", "{{.Dir}}", "open-cluster-management.io/ocm"],
    { cwd: join(modulesDirectory, "ocm"), env: { GOTOOLCHAIN: "local" } },
  );
  await cp(join(source.trim(), "manifests"), target, { recursive: true });
  // Files of Go's module cache are read-only, which would keep `rm` of the cache from working.
  await runCommand(["chmod", "-R", "u+w", target]);
}
