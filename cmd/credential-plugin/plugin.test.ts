import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { runCredentialPlugin } from "./plugin.ts";

const place = { environment: {}, home: "/nowhere", isInPod: false };

describe("runCredentialPlugin()", () => {
  it("wants to know the account before anything else, and shows how it is used", async () => {
    const { code, stdout, stderr } = await runCredentialPlugin([], place);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(
      stderr,
      /^\[open-cluster-management\] --managed-serviceaccount flag is required\n/,
    );
    assert.match(stderr, /Usage: cp-creds \[flags\]/);
  });

  it("says what it is on demand", async () => {
    const { code, stdout } = await runCredentialPlugin(["--help"], place);
    assert.equal(code, 0);
    assert.match(stdout, /exec credential plugin.*--managed-serviceaccount/s);
  });

  it("says which kubeconfig of the hub it cannot read, and nothing of what is in it", async () => {
    const argv = ["--managed-serviceaccount=ci"];
    const missing = await runCredentialPlugin(argv, place);
    assert.match(missing.stderr, /Error initializing provider: .*\/nowhere\/\.kube\/config/);
    const directory = await mkdtemp(join(tmpdir(), "plugin-"));
    try {
      const path = join(directory, "kubeconfig");
      await writeFile(path, 'users: [{name: a, user: {token: "hush-hush\n');
      const { code, stderr } = await runCredentialPlugin([...argv, `--kubeconfig=${path}`], place);
      assert.equal(code, 1);
      assert.match(stderr, /Error initializing provider: /);
      assert.doesNotMatch(stderr, /hush/);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
