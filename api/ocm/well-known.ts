/** Names of the three addons, which are those of their ClusterManagementAddOns too. */
export const addonNames = {
  clusterProxy: "cluster-proxy",
  managedServiceAccount: "managed-serviceaccount",
  clusterGateway: "cluster-gateway",
} as const;
export type AddonName = (typeof addonNames)[keyof typeof addonNames];

/** Labels that OCM gives a meaning. */
export const ocmLabels = {
  /** On ManifestWorks, CSRs and RBAC objects: the addon that they serve. */
  addonName: "open-cluster-management.io/addon-name",
  /** On a ManifestWork outside its addon's namespace: that namespace. */
  addonNamespace: "open-cluster-management.io/addon-namespace",
  /** On CSRs and ClusterProfiles: the managed cluster. */
  clusterName: "open-cluster-management.io/cluster-name",
} as const;

/** Annotations that OCM gives a meaning. */
export const ocmAnnotations = {
  /** On a ClusterManagementAddOn: who installs it (`addon-manager`, also when absent, or `self`). */
  lifecycle: "addon.open-cluster-management.io/lifecycle",
  /** On a v1beta1 ManagedClusterAddOn: what v1alpha1 calls `spec.installNamespace`. */
  installNamespace: "addon.open-cluster-management.io/v1alpha1-install-namespace",
  /** On a ManagedClusterAddOn: values for its manifests, a JSON object. */
  values: "addon.open-cluster-management.io/values",
  /** On a ManagedClusterAddOn: the cluster that hosts its agent. */
  hostingClusterName: "addon.open-cluster-management.io/hosting-cluster-name",
  /** On a manifest: it stays on the cluster when its ManifestWork goes. */
  deletionOrphan: "addon.open-cluster-management.io/deletion-orphan",
  /** On a Job or Pod manifest: it runs before the addon is deleted. */
  preDelete: "addon.open-cluster-management.io/addon-pre-delete",
  /** On a ManifestWork: hashes of the configurations that it was made from, a JSON object. */
  configSpecHash: "open-cluster-management.io/config-spec-hash",
  /** On a ManagedCluster: mirrors of image registries, JSON. */
  imageRegistries: "open-cluster-management.io/image-registries",
} as const;

/** Finalizers of a ManagedClusterAddOn. */
export const ocmFinalizers = {
  preDelete: "addon.open-cluster-management.io/addon-pre-delete",
} as const;

/** Namespace of an addon's agent when nothing names another. */
export const defaultAgentInstallNamespace = "open-cluster-management-agent-addon";

/** Signers of certificates that addon agents ask for. */
export const signerNames = {
  /** The hub's own: certificates for its API. */
  kubeApiserverClient: "kubernetes.io/kube-apiserver-client",
  /** Ours: certificates for the tunnel. */
  proxyAgent: "open-cluster-management.io/proxy-agent-signer",
} as const;

/** Taints that OCM puts on a cluster that does not answer. */
export const clusterTaints = {
  unreachable: "cluster.open-cluster-management.io/unreachable",
  unavailable: "cluster.open-cluster-management.io/unavailable",
} as const;
