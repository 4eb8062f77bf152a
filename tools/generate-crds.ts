import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { generatedCrds } from "./crds/generated-files.ts";

/** Writes the CustomResourceDefinitions, for `manifests/` and for the charts. */
for (const { path, content } of generatedCrds()) {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  console.log(path);
}
