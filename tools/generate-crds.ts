import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { generatedCrds, generatedDocs, generatedValueSchemas } from "./generated-files.ts";

// Writes what is made from schemas: the CRDs for `manifests/` and the charts, the charts' values.
for (const { path, content } of [
  ...generatedCrds(),
  ...generatedValueSchemas(),
  ...generatedDocs(),
]) {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  console.log(path);
}
