import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { bundlePrograms } from "./bundle.ts";

const program = `
import { createServer, STATUS_CODES } from "node:http";
const loaded = Reflect.get(process, "moduleLoadList") as readonly string[];
const hasFetch = loaded.some((name) => name.includes("undici"));
console.log(JSON.stringify({ hasFetch, status: STATUS_CODES[404], server: typeof createServer }));
`;

describe("bundlePrograms()", () => {
  it("makes programs that do not load Node's fetch along with node:http", async () => {
    const directory = await mkdtemp(join(tmpdir(), "spokeway-bundle-"));
    try {
      const commands = join(directory, "cmd");
      await mkdir(commands);
      await writeFile(join(commands, "program.ts"), program);
      assert.deepEqual(await bundlePrograms(commands, directory), ["program"]);
      const file = join(directory, "program.mjs");
      const { stdout } = await promisify(execFile)(process.execPath, [file]);
      assert.deepEqual(JSON.parse(stdout), {
        hasFetch: false,
        status: "Not Found",
        server: "function",
      });
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});
