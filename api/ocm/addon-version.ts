/** The API group of OCM's addon kinds. */
export const addonGroup = "addon.open-cluster-management.io";

/** Versions of that group, newest first. A hub serves the older one, or both. */
export const addonVersions = ["v1beta1", "v1alpha1"] as const;
export type AddonVersion = (typeof addonVersions)[number];
