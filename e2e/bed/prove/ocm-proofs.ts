import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { applyManifests, kubectl } from "../cluster-handle.ts";
import { at, conditionStatus } from "../conditions.ts";
import type { FullCluster } from "../full/full-cluster.ts";
import { bedImages } from "../images/names.ts";
import { waitFor } from "../wait.ts";
import { expectSeen, type Proof, proofNamespace } from "./claim.ts";

const addonGroup = "/apis/addon.open-cluster-management.io";
const proofAddon = "bed-proof";

/** What OCM does between the hub and one managed cluster. */
export function ocmProofs(hub: FullCluster, managed: FullCluster): readonly Proof[] {
  const { name } = managed.plan;
  return [
    {
      says: `${name} is accepted, joined and available`,
      check: async () => {
        const path = `/apis/cluster.open-cluster-management.io/v1/managedclusters/${name}`;
        const cluster = await hub.api.find(path);
        const types = ["HubAcceptedManagedCluster", "ManagedClusterJoined"];
        const seen = [...types, "ManagedClusterConditionAvailable"]
          .map((type) => conditionStatus(cluster, type))
          .join(" ");
        return expectSeen(seen, "True True True");
      },
    },
    {
      says: `a ManifestWork for ${name} becomes a pod that runs`,
      check: async () => provesWork(hub, managed),
    },
    {
      says: `a placement gives ${name} an addon, which both versions of the API show`,
      check: async () => provesAddon(hub, name),
    },
  ];
}

/** Takes back what the proofs have made on the hub beside their namespace. */
export async function removeOcmProofs(hub: FullCluster, managed: FullCluster): Promise<void> {
  const flags = ["--ignore-not-found", "--timeout=60s"];
  await kubectl(hub, ["delete", "clustermanagementaddon", proofAddon, ...flags]);
  await kubectl(hub, ["-n", managed.plan.name, "delete", "manifestwork", proofAddon, ...flags]);
}

async function provesWork(hub: FullCluster, managed: FullCluster): Promise<string> {
  const path = join(import.meta.dirname, "..", "manifests", "proof-ocm.yaml");
  const template = await readFile(path, "utf8");
  const yaml = template
    .replaceAll("CLUSTER", managed.plan.name)
    .replaceAll("WORKLOAD_IMAGE", bedImages.workload);
  await applyManifests(hub, yaml);
  const deployment = "/apis/apps/v1/namespaces/bed-proof-delivered/deployments/delivered";
  return waitFor("the delivered pod", async () => {
    const found = await managed.api.find(deployment);
    return at(found, "status", "availableReplicas") === 1 ? "available" : undefined;
  });
}

async function provesAddon(hub: FullCluster, cluster: string): Promise<string> {
  const path = (version: string): string =>
    `${addonGroup}/${version}/namespaces/${cluster}/managedclusteraddons/${proofAddon}`;
  return waitFor("the addon", async () => {
    const [old, current] = await Promise.all(
      ["v1alpha1", "v1beta1"].map(async (version) => hub.api.find(path(version))),
    );
    if (old === undefined || current === undefined) return undefined;
    const versions = [at(old, "apiVersion"), at(current, "apiVersion")].join(" ");
    return expectSeen(versions, /v1alpha1 .*v1beta1$/u) && proofNamespace;
  });
}
