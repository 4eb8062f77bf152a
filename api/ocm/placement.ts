import * as z from "zod";
import { condition } from "../conditions.ts";
import { objectShape } from "../custom-resource.ts";
import type { ResourceType } from "../resource.ts";

const clusterGroup = "cluster.open-cluster-management.io";

/** The set that every cluster belongs to. */
export const globalClusterSetName = "global";

/** Lets the Placements of a namespace choose among the clusters of a set; it has the set's name. */
export const managedClusterSetBinding = z.looseObject({
  ...objectShape,
  spec: z.looseObject({ clusterSet: z.string() }),
  status: z.looseObject({ conditions: z.array(condition).default([]) }).optional(),
});
export type ManagedClusterSetBinding = z.infer<typeof managedClusterSetBinding>;

/** Condition type of a binding: its set exists, and it counts. */
export const clusterSetBoundCondition = "Bound";

export const managedClusterSetBindings = {
  group: clusterGroup,
  version: "v1beta2",
  plural: "managedclustersetbindings",
  kind: "ManagedClusterSetBinding",
  namespaced: true,
  parse: (input) => managedClusterSetBinding.parse(input),
} as const satisfies ResourceType<ManagedClusterSetBinding>;

/** Selects clusters; what it has selected is in its PlacementDecisions. */
export const placements: ResourceType = {
  group: clusterGroup,
  version: "v1beta1",
  plural: "placements",
  kind: "Placement",
  namespaced: true,
};

/** Label of a PlacementDecision: the name of its Placement. */
export const placementLabel = "cluster.open-cluster-management.io/placement";

/** Part of what a Placement has selected. */
export const placementDecision = z.looseObject({
  ...objectShape,
  status: z
    .looseObject({ decisions: z.array(z.looseObject({ clusterName: z.string() })).default([]) })
    .prefault({}),
});
export type PlacementDecision = z.infer<typeof placementDecision>;

export const placementDecisions = {
  group: clusterGroup,
  version: "v1beta1",
  plural: "placementdecisions",
  kind: "PlacementDecision",
  namespaced: true,
  parse: (input) => placementDecision.parse(input),
} as const satisfies ResourceType<PlacementDecision>;
