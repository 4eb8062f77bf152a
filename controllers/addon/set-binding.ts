import {
  type AddonVersion,
  addonGroup,
  type ClusterManagementAddOn,
  globalClusterSetName,
  type ManagedClusterSetBinding,
  managedClusterSetBindings,
  ownerReferenceTo,
} from "#api";
import { type KubeClient, type ObjectCache, type Reconciler, settled } from "#kube";
import { isContained } from "../canonical-json.ts";

export interface SetBindingPorts {
  readonly client: KubeClient;
  readonly version: AddonVersion;
  /** The namespace that the addon's Placement is in. */
  readonly namespace: string;
  readonly addons: ObjectCache<ClusterManagementAddOn>;
  readonly bindings: ObjectCache<ManagedClusterSetBinding>;
}

/** Tells our binding from one that somebody else made. */
const ours = { "app.kubernetes.io/managed-by": "spokeway" };

/**
 * Lets the Placements of our namespace choose among all clusters. Addons in one namespace share
 * the binding: each is one of its owners, and it goes with the last. One that an administrator
 * made stays theirs.
 */
export function createSetBindingReconciler(ports: SetBindingPorts): Reconciler<string> {
  const { client, namespace, addons, bindings } = ports;
  return {
    name: "cluster-set-binding",
    async reconcile(addonName, signal) {
      const addon = addons.get(addonName);
      if (addon === undefined || addon.metadata.deletionTimestamp !== undefined) return settled;
      const observed = bindings.get(`${namespace}/${globalClusterSetName}`);
      const wanted = planBinding(ports, addon, observed);
      if (wanted === undefined) return settled;
      const fieldManager = `spokeway-${addonName}`;
      await client.apply(managedClusterSetBindings, wanted, signal, { fieldManager });
      return settled;
    },
  };
}

/** The binding to apply, or undefined when there is nothing to do. */
export function planBinding(
  { namespace, version }: Pick<SetBindingPorts, "namespace" | "version">,
  addon: ClusterManagementAddOn,
  observed: ManagedClusterSetBinding | undefined,
): ManagedClusterSetBinding | undefined {
  if (observed !== undefined && !isContained(ours, observed.metadata.labels)) return undefined;
  const { uid } = addon.metadata;
  if (observed?.metadata.ownerReferences?.some((owner) => owner.uid === uid) === true) {
    return undefined;
  }
  const owner = ownerReferenceTo(`${addonGroup}/${version}`, "ClusterManagementAddOn", addon);
  return {
    metadata: {
      name: globalClusterSetName,
      namespace,
      labels: ours,
      ownerReferences: [owner],
    },
    spec: { clusterSet: globalClusterSetName },
  };
}
