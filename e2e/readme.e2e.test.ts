/** What README tells people to type, typed. */
import assert from "node:assert/strict";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { type CommandResult, tryCommand } from "./bed/command.ts";
import { checkout, hubKubeconfig, kubectl, managedKubeconfig } from "./support/hub.ts";

/** The one block of shell commands of README that holds `command`. */
async function block(command: string): Promise<string> {
  const text = await readFile(join(checkout, "README.md"), "utf8");
  const blocks = [...text.matchAll(/^```shell\n(.*?)^```$/gms)].map((match) => match[1] ?? "");
  const found = blocks.filter((candidate) => candidate.includes(command));
  assert.equal(found.length, 1, `${found.length} blocks of README hold ${command}`);
  return found[0] ?? "";
}

function shell(script: string, kubeconfig = hubKubeconfig): Promise<CommandResult> {
  const PATH = `${join(checkout, ".bed", "bin")}:${process.env["PATH"]}`;
  return tryCommand(["bash", "-euo", "pipefail", "-c", script], {
    cwd: checkout,
    env: { KUBECONFIG: kubeconfig, PATH },
  });
}

describe("README", () => {
  after(async () => {
    await rm(join(checkout, "managed1.kubeconfig"), { force: true });
    await kubectl(["delete", "clusterrolebinding", "cluster-gateway-view", "--ignore-not-found"], {
      kubeconfig: managedKubeconfig,
    });
  });

  it("shows the addons, the gateway and its health", async () => {
    const { code, stdout, stderr } = await shell(await block("kubectl get managedclusteraddon -A"));
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      /cluster-gateway +True[\s\S]*managed1 +ServiceAccountToken +ClusterProxy[\s\S]*ok$/,
    );
  });

  it("makes a kubeconfig that managed1 refuses until it grants something", async () => {
    const use = await block("> managed1.kubeconfig");
    const refused = await shell(use);
    assert.match(refused.stderr, /\(Forbidden\): namespaces is forbidden/);
    const grant = await shell(await block("kubectl create clusterrolebinding"), managedKubeconfig);
    assert.equal(grant.code, 0, grant.stderr);
    const allowed = await shell(use);
    assert.match(allowed.stdout, /^kube-system +Active/m);
  });
});
