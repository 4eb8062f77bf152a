/** What a person sees whose machine cannot carry the bed, before anything has been changed. */
import assert from "node:assert/strict";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { runCommand, tryCommand } from "./command.ts";

const script = fileURLToPath(new URL("preflight.sh", import.meta.url));
/** What the script itself calls; the rest of a machine's programs is left out. */
const itsOwn =
  "awk basename bash cat cut date df dirname env grep head id mount sed sort stat tail tr uname unshare";

describe("preflight", () => {
  let bin = "";

  before(async () => {
    bin = await mkdtemp(join(tmpdir(), "spokeway-preflight-"));
    for (const program of itsOwn.split(" ")) {
      const path = (await runCommand(["bash", "-c", `command -v ${program}`])).trim();
      await symlink(path, join(bin, program));
    }
  });

  after(() => rm(bin, { recursive: true, force: true }));

  it("says without root that root is needed, and how", async () => {
    const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    // As nobody, who may not read the checkout of root: the script comes by standard input.
    const { code, stderr, stdout } = await tryCommand([...nobody, "bash", "-c", "cd /; bash -s"], {
      input: await runCommand(["cat", script]),
    });
    assert.notEqual(code, 0);
    assert.match(stdout + stderr, /not root.*sudo make up/);
  });

  it("names every program that is missing at once, with what to do", async () => {
    const { code, stderr, stdout } = await tryCommand(["bash", script], { env: { PATH: bin } });
    assert.notEqual(code, 0);
    for (const program of ["node", "npm", "make", "Go"]) {
      assert.match(stdout + stderr, new RegExp(`^.*${program} is missing: install`, "m"));
    }
  });

  it("says when the disk is too small, and for how much to make room", async () => {
    await rm(join(bin, "df"));
    const full =
      "#!/bin/sh\necho Filesystem 1024-blocks Used Available Capacity Mounted on\necho /dev/x 100 99 1048576 99% /\n";
    await writeFile(join(bin, "df"), full, { mode: 0o755 });
    const { code, stderr, stdout } = await tryCommand(["bash", script], { env: { PATH: bin } });
    assert.notEqual(code, 0);
    assert.match(stdout + stderr, /has 1 GB free: make room for \d+ GB/);
  });

  it("says on another system which one is needed", async () => {
    await rm(join(bin, "uname"));
    await writeFile(join(bin, "uname"), "#!/bin/sh\necho Darwin\n", { mode: 0o755 });
    const { code, stderr, stdout } = await tryCommand(["bash", script], { env: { PATH: bin } });
    assert.notEqual(code, 0);
    assert.match(stdout + stderr, /This is Darwin: the bed needs Linux/);
  });
});
