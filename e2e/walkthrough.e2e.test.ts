/** What OCM's documentation shows for these three addons, command by command. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runCommand } from "./bed/command.ts";
import { waitFor } from "./bed/wait.ts";
import {
  checkout,
  gatewayKubeconfig,
  gatewayPath,
  helm,
  kubectl,
  tryKubectl,
  writeGatewayKubeconfig,
} from "./support/hub.ts";
import { serveCharts } from "./support/served-charts.ts";
import { parseTable } from "./support/table.ts";

const namespace = "open-cluster-management-addon";
const addons = ["cluster-gateway", "cluster-proxy", "managed-serviceaccount"];

describe("the walk-through of OCM's documentation", () => {
  it("finds the three charts in a repository", async () => {
    await runCommand(["make", "--no-print-directory", "charts"], { cwd: checkout });
    await using repository = await serveCharts();
    await helm(["repo", "add", "--force-update", "ocm", repository.url]);
    await helm(["repo", "update"]);
    const rows = parseTable((await helm(["search", "repo", "ocm"])).replaceAll("\t", "  "));
    await helm(["repo", "remove", "ocm"]);
    assert.deepEqual(
      rows.map((row) => [row["NAME"], row["DESCRIPTION"]]),
      [
        ["ocm/cluster-gateway-addon-manager", "A Helm chart for Cluster-Gateway Addon-Manager"],
        ["ocm/cluster-proxy", "A Helm chart for Cluster-Proxy OCM Addon"],
        ["ocm/managed-serviceaccount", "A Helm chart for Managed ServiceAccount Addon"],
      ],
    );
  });

  it("installs the three addons with three commands and no other value", async () => {
    const install = ["-n", namespace, "install"];
    await helm([...install, "cluster-proxy", "helm/cluster-proxy"]);
    await helm([...install, "managed-serviceaccount", "helm/managed-serviceaccount"]);
    const egress = ["--set", "manualSecretManagement=false", "--set", "konnectivityEgress=true"];
    await helm([...install, "cluster-gateway", "helm/cluster-gateway-addon-manager", ...egress]);
  });

  it("shows the three addons of managed1 as available", async () => {
    const startedAt = performance.now();
    const rows = await waitFor(
      "three available addons",
      async () => {
        const found = parseTable(await kubectl(["get", "managedclusteraddon", "-A"]));
        return found.filter((row) => row["AVAILABLE"] === "True").length === 3 && found;
      },
      { limitMs: 300_000, everyMs: 500 },
    );
    console.log(`available after ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
    assert.deepEqual(
      rows.map((row) => [row["NAMESPACE"], row["NAME"]]),
      addons.map((addon) => ["managed1", addon]),
    );
  });

  it("lists managed1 as a cluster gateway", async () => {
    const rows = parseTable(await kubectl(["get", "clustergateway"]));
    // As the documentation shows it; the verdict of the last probe follows.
    assert.deepEqual(Object.keys(rows[0] ?? {}), [
      "NAME",
      "PROVIDER",
      "CREDENTIAL-TYPE",
      "ENDPOINT-TYPE",
      "HEALTHY",
    ]);
    assert.deepEqual(
      rows.map((row) => Object.values(row).slice(0, 4)),
      [["managed1", "", "ServiceAccountToken", "ClusterProxy"]],
    );
  });

  it("asks managed1 for its health through the hub", async () => {
    assert.equal(await kubectl(["get", `--raw=${gatewayPath}/healthz`]), "ok");
  });

  it("turns the hub's kubeconfig into managed1's by one line, and is refused by managed1 itself", async () => {
    await writeGatewayKubeconfig();
    const { code, stderr } = await tryKubectl(["get", "ns"], { kubeconfig: gatewayKubeconfig });
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^Error from server \(Forbidden\): namespaces is forbidden: User "system:serviceaccount:[a-z-]+:cluster-gateway" cannot list resource "namespaces" in API group "" at the cluster scope\n$/,
    );
  });
});
