import { existsSync } from "node:fs";
import { chmod, readdir } from "node:fs/promises";
import { join } from "node:path";
import { type BuildOptions, build, type Plugin } from "esbuild";

/** CommonJS packages inside of an ES module still call `require` for what Node has built in. */
const requireBanner = [
  'import { createRequire as createRequireOfBundle } from "node:module";',
  "const require = createRequireOfBundle(import.meta.url);",
].join("\n");

/**
 * `import` of node:http reads all that it exports, WebSocket among it, for which Node loads its whole
 * fetch: 16 MB of memory and a seventh of a program's start. `require` reads what is used.
 */
const requiredHttp: Plugin = {
  name: "required-http",
  setup(build) {
    build.onResolve({ filter: /^(?:node:)?http$/ }, ({ kind }) =>
      kind === "import-statement" ? { path: "node:http", namespace: "required" } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: "required" }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
    }));
  },
};

const forNode = {
  bundle: true,
  platform: "node",
  format: "esm",
  logLevel: "warning",
  plugins: [requiredHttp],
} as const satisfies BuildOptions;

/**
 * Bundles every program of `cmd/` into `NAME.mjs` and chunks that they share, each with its source
 * map, and returns the programs' names. Everything but Node's own modules is inside. What a program
 * imports only when it needs it stays in a chunk of its own: unread, it costs no memory.
 */
export async function bundlePrograms(commands: string, target: string): Promise<readonly string[]> {
  const files = existsSync(commands) ? await readdir(commands) : [];
  const programs = files.filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"));
  if (programs.length === 0) return [];
  await build({
    entryPoints: programs.map((file) => join(commands, file)),
    outdir: target,
    outExtension: { ".js": ".mjs" },
    ...forNode,
    splitting: true,
    target: "node26",
    sourcemap: true,
    banner: { js: requireBanner },
  });
  return programs.map((file) => file.replace(/\.ts$/u, ""));
}

/** Bundles one program into one executable file, for people who have Node 22 or later and nothing of ours. */
export async function bundleForPeople(source: string, target: string): Promise<void> {
  await build({
    ...forNode,
    entryPoints: [source],
    outfile: target,
    target: "node22",
    minify: true,
    legalComments: "eof",
    banner: { js: `#!/usr/bin/env node\n${requireBanner}` },
  });
  await chmod(target, 0o755);
}
