import type { AddonVersion, KubeObject, ManagedCluster, ManifestWork } from "#api";
import type { AddonView } from "../addon-view.ts";

/** All that is known about one addon on one cluster when a decision is made. */
export interface Snapshot {
  readonly cluster: ManagedCluster;
  readonly addon: AddonView;
  /** Version of the addon API in use on this hub. */
  readonly version: AddonVersion;
  readonly role: KubeObject | undefined;
  readonly roleBinding: KubeObject | undefined;
  readonly works: readonly ManifestWork[];
}
