import * as z from "zod";
import { objectShape } from "../custom-resource.ts";
import { labelSelectorSchema, matchesSelector } from "../label-selector.ts";
import type { ResourceType } from "../resource.ts";
import type { ManagedCluster } from "./managed-cluster.ts";

/** Label of a ManagedCluster: the one exclusive set that it belongs to. */
export const clusterSetLabel = "cluster.open-cluster-management.io/clusterset";

/** Clusters that are given to somebody together. */
export const managedClusterSet = z.looseObject({
  ...objectShape,
  spec: z
    .looseObject({
      clusterSelector: z
        .looseObject({
          selectorType: z.string().default("ExclusiveClusterSetLabel"),
          labelSelector: labelSelectorSchema.prefault({}),
        })
        .prefault({}),
    })
    .prefault({}),
});
export type ManagedClusterSet = z.infer<typeof managedClusterSet>;

export const managedClusterSets = {
  group: "cluster.open-cluster-management.io",
  version: "v1beta2",
  plural: "managedclustersets",
  kind: "ManagedClusterSet",
  namespaced: false,
  parse: (input) => managedClusterSet.parse(input),
} as const satisfies ResourceType<ManagedClusterSet>;

/** True when the cluster belongs to the set. */
export function isInClusterSet(
  { metadata: { labels } }: ManagedCluster,
  { metadata: { name }, spec }: ManagedClusterSet,
): boolean {
  const { selectorType, labelSelector } = spec.clusterSelector;
  if (selectorType === "LabelSelector") return matchesSelector(labelSelector, labels);
  return selectorType === "ExclusiveClusterSetLabel" && labels?.[clusterSetLabel] === name;
}
