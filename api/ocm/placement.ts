import * as z from "zod";
import { objectShape } from "../custom-resource.ts";
import type { ResourceType } from "../resource.ts";

const clusterGroup = "cluster.open-cluster-management.io";

/** The set that every cluster belongs to. */
export const globalClusterSetName = "global";

/** Lets the Placements of a namespace choose among the clusters of a set; it has the set's name. */
export const managedClusterSetBinding = z.looseObject({
  ...objectShape,
  spec: z.looseObject({ clusterSet: z.string() }),
});
export type ManagedClusterSetBinding = z.infer<typeof managedClusterSetBinding>;

export const managedClusterSetBindings = {
  group: clusterGroup,
  version: "v1beta2",
  plural: "managedclustersetbindings",
  kind: "ManagedClusterSetBinding",
  namespaced: true,
  parse: (input) => managedClusterSetBinding.parse(input),
} as const satisfies ResourceType<ManagedClusterSetBinding>;
