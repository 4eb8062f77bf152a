/** Upgrades change nothing that works; what is removed leaves nothing behind on either side. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { waitFor } from "./bed/wait.ts";
import { gatewayPath, helm, kubectl, managedKubeconfig, tryKubectl } from "./support/hub.ts";
import { parseTable } from "./support/table.ts";

const namespace = "open-cluster-management-addon";
const egress = ["--set", "manualSecretManagement=false", "--set", "konnectivityEgress=true"];
const charts = {
  "cluster-proxy": ["cluster-proxy", "helm/cluster-proxy"],
  "managed-serviceaccount": ["managed-serviceaccount", "helm/managed-serviceaccount"],
  "cluster-gateway": ["cluster-gateway", "helm/cluster-gateway-addon-manager", ...egress],
} as const satisfies Readonly<Record<string, readonly string[]>>;

async function availableAddons(): Promise<readonly string[]> {
  const rows = parseTable(await kubectl(["get", "managedclusteraddon", "-A"]));
  return rows.filter((row) => row["AVAILABLE"] === "True").map((row) => row["NAME"] ?? "");
}

async function untilAllWork(): Promise<void> {
  await waitFor("three available addons", async () => (await availableAddons()).length === 3, {
    limitMs: 300_000,
    everyMs: 500,
  });
  await waitFor(
    "the gateway",
    async () => {
      return (await kubectl(["get", `--raw=${gatewayPath}/healthz`])) === "ok";
    },
    { everyMs: 500 },
  );
}

/** Resolves once the hub or managed1 has none of the objects any more. */
async function untilGone(
  kubeconfig: string | undefined,
  ...args: readonly string[]
): Promise<void> {
  const options = kubeconfig === undefined ? {} : { kubeconfig };
  await waitFor(
    `no ${args.join(" ")}`,
    async () => {
      const { code, stdout, stderr } = await tryKubectl(
        ["get", "--ignore-not-found", "-o", "name", ...args],
        options,
      );
      return code === 0
        ? stdout === ""
        : stderr.includes("the server doesn't have a resource type");
    },
    { limitMs: 180_000, everyMs: 500 },
  );
}

describe("an upgrade", () => {
  it("of each chart to itself keeps everything available", async () => {
    for (const chart of Object.values(charts)) await helm(["-n", namespace, "upgrade", ...chart]);
    await untilAllWork();
  });
});

describe("an addon that is deleted", () => {
  it("goes from the managed cluster and comes back with OCM's placement", async () => {
    const before = await kubectl(
      [
        "-n",
        "open-cluster-management-cluster-proxy",
        "get",
        "deploy",
        "-o",
        "jsonpath={.items[*].metadata.uid}",
      ],
      { kubeconfig: managedKubeconfig },
    );
    await kubectl(["-n", "managed1", "delete", "managedclusteraddon", "cluster-proxy"]);
    await waitFor(
      "another deployment",
      async () => {
        const now = await kubectl(
          [
            "-n",
            "open-cluster-management-cluster-proxy",
            "get",
            "deploy",
            "-o",
            "jsonpath={.items[*].metadata.uid}",
          ],
          { kubeconfig: managedKubeconfig },
        );
        return now !== "" && now !== before;
      },
      { limitMs: 240_000, everyMs: 500 },
    );
    await untilAllWork();
  });
});

describe("charts that are uninstalled", () => {
  it("leave nothing on the hub and nothing that runs on the managed cluster", async () => {
    for (const release of ["cluster-gateway", "cluster-proxy", "managed-serviceaccount"]) {
      await helm(["-n", namespace, "uninstall", release]);
    }
    await untilGone(undefined, "managedclusteraddon", "-A");
    await untilGone(undefined, "manifestwork", "-n", "managed1");
    await untilGone(undefined, "apiservice", "v1alpha1.cluster.core.oam.dev");
    await untilGone(undefined, "deploy", "-n", namespace);
    await untilGone(undefined, "deploy", "-n", "vela-system");
    for (const authority of ["cluster-proxy-signer", "cluster-proxy-frontend-signer"]) {
      await untilGone(undefined, "secret", "-n", namespace, authority);
    }
    await untilGone(undefined, "secret", "-n", namespace, "agent-server-ca");
    await untilGone(undefined, "secret", "-n", "managed1", "cluster-gateway");
    await untilGone(undefined, "managedclustersetbinding", "-n", namespace);
    await untilGone(managedKubeconfig, "deploy", "-n", "open-cluster-management-cluster-proxy");
    await untilGone(managedKubeconfig, "deploy", "-n", "open-cluster-management-agent-addon");
    // The hub itself is as well as before.
    assert.equal((await tryKubectl(["api-resources"])).code, 0);
    assert.equal(
      await kubectl(["-n", "managed1", "get", "managedserviceaccount", "-o", "name"]),
      "",
    );
  });

  it("install again in another order, each alone before the next", async () => {
    const order = ["cluster-gateway", "managed-serviceaccount", "cluster-proxy"] as const;
    for (const release of order) await helm(["-n", namespace, "install", ...charts[release]]);
    await untilAllWork();
  });
});
