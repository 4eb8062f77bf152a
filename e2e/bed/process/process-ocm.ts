import type { AddonVersions } from "../ocm/crds.ts";
import { startOcmHub } from "../ocm/hub.ts";
import { joinOcm } from "../ocm/join.ts";
import type { ProcessCluster } from "./process-cluster.ts";

/** How OCM is set up between clusters of processes. */
export interface OcmOptions {
  /** Which versions of the addon API the hub serves. Defaults to both. */
  readonly addonVersions?: AddonVersions;
  /** Whether OCM makes ClusterProfiles where cluster sets are bound. Defaults to false. */
  readonly clusterProfiles?: boolean;
}

/**
 * Makes an OCM hub of one cluster and joins the others to it, with OCM's own programs under their
 * own service accounts. All of the clusters must have been started with controllers. The
 * programs end with the cluster that they were started for.
 */
export async function startOcm(
  hub: ProcessCluster,
  managed: readonly ProcessCluster[],
  options: OcmOptions = {},
  signal?: AbortSignal,
): Promise<void> {
  await startOcmHub(hub, { ...options, managed: managed.map(({ name }) => name) });
  await Promise.all(managed.map(async (cluster) => joinOcm(hub, cluster, signal)));
}
