import { type AddonVersion, type ClusterManagementAddOn, clusterManagementAddOns } from "#api";
import { type KubeClient, type ObjectCache, type Reconciler, settled } from "#kube";
import type { ConfigSource } from "./config-source.ts";
import { planHashes } from "./management-plan.ts";

export interface ManagementPorts {
  readonly client: KubeClient;
  readonly version: AddonVersion;
  readonly addons: ObjectCache<ClusterManagementAddOn>;
  readonly source: ConfigSource;
}

/**
 * Puts the hashes of the addon's configurations where OCM's addon manager looks for them: it
 * chooses configurations for the clusters, but can only read their state from there.
 */
export function createManagementReconciler(ports: ManagementPorts): Reconciler<string> {
  const { client, version, addons, source } = ports;
  const type = clusterManagementAddOns(version);
  return {
    name: "addon-configuration",
    async reconcile(name, signal) {
      const addon = addons.get(name);
      if (addon === undefined) return settled;
      const status = planHashes(addon, source);
      if (status === undefined) return settled;
      const { resourceVersion } = addon.metadata;
      const patch = { metadata: { resourceVersion }, status };
      await client.mergePatch(type, { name }, patch, signal, { subresource: "status" });
      return settled;
    },
  };
}
