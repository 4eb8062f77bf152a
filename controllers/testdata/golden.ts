import { fileURLToPath } from "node:url";
import type { TestContext } from "node:test";
import { stringify } from "yaml";

const serializers = [(value: unknown) => stringify(value, { aliasDuplicateObjects: false })];

/** Compares with a file of YAML beside the test; `make golden` rewrites such files. */
export function assertGolden(context: TestContext, value: unknown, file: URL): void {
  context.assert.fileSnapshot(value, fileURLToPath(file), { serializers });
}
