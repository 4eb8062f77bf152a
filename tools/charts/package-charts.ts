import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "../../e2e/bed/command.ts";
import { findTools } from "../../e2e/bed/toolchain.ts";
import { chartNames } from "./value-schemas.ts";

// Packages the charts into .build/charts, with the index that makes them a repository.
const root = join(import.meta.dirname, "..", "..");
const repository = join(root, ".build", "charts");
const helm = process.env["HELM"] ?? (await findTools(["helm"])).path("helm");

await rm(repository, { recursive: true, force: true });
await mkdir(repository, { recursive: true });
for (const chart of chartNames) {
  const folder = join(root, "helm", chart);
  process.stdout.write(await runCommand([helm, "package", folder, "--destination", repository]));
}
await runCommand([helm, "repo", "index", repository]);
