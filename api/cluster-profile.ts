import * as z from "zod";
import { objectShape } from "./custom-resource.ts";
import type { ResourceType } from "./resource.ts";

/** Label of a ClusterProfile: the manager that made it, as its `spec.clusterManager.name`. */
export const clusterManagerLabel = "x-k8s.io/cluster-manager";

/** What OCM calls itself among cluster managers, and what consumers call its way of access. */
export const ocmClusterManager = "open-cluster-management";

/** Extension of a cluster: what a kubeconfig's exec plugin is told of it. */
export const execExtension = "client.authentication.k8s.io/exec";

/**
 * One way to a cluster: its name, and as `cluster` the part of a kubeconfig that is no secret. Those
 * of others are kept as they come.
 */
export const accessProvider = z.looseObject({ name: z.string() });
export type AccessProvider = z.infer<typeof accessProvider>;

/** What a consumer of a namespace may know of one cluster (SIG Multicluster's inventory API). */
export const clusterProfile = z.looseObject({
  ...objectShape,
  spec: z
    .looseObject({ clusterManager: z.looseObject({ name: z.string() }).optional() })
    .prefault({}),
  status: z.looseObject({ accessProviders: z.array(accessProvider).optional() }).prefault({}),
});
export type ClusterProfile = z.infer<typeof clusterProfile>;

/** The version that every hub with ClusterProfiles serves. */
export const clusterProfiles = {
  group: "multicluster.x-k8s.io",
  version: "v1alpha1",
  plural: "clusterprofiles",
  kind: "ClusterProfile",
  namespaced: true,
  parse: (input) => clusterProfile.parse(input),
} as const satisfies ResourceType<ClusterProfile>;

/** The version that follows it; what we read and write is the same. */
export const clusterProfilesV1alpha2 = {
  ...clusterProfiles,
  version: "v1alpha2",
} as const satisfies ResourceType<ClusterProfile>;
