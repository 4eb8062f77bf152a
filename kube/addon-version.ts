import { type AddonVersion, managedClusterAddOns } from "#api";
import type { KubeClient } from "./client.ts";
import { firstServed } from "./discovery.ts";

/**
 * The newest version of OCM's addon API that the hub serves, which all of ours then speak. Throws
 * when it serves none: OCM is not installed.
 */
export async function discoverAddonVersion(
  client: KubeClient,
  signal: AbortSignal,
): Promise<AddonVersion> {
  const types = (["v1beta1", "v1alpha1"] as const).map((version) => {
    const { group, plural, kind, namespaced } = managedClusterAddOns[version];
    return { group, version, plural, kind, namespaced };
  });
  const served = await firstServed(client, types, signal);
  return served.version;
}
