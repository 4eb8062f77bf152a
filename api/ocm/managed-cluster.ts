import * as z from "zod";
import { condition } from "../conditions.ts";
import { objectShape } from "../custom-resource.ts";
import type { ResourceType } from "../resource.ts";

/** Condition types of a ManagedCluster. */
export const managedClusterConditionTypes = {
  accepted: "HubAcceptedManagedCluster",
  joined: "ManagedClusterJoined",
  /** Unknown once the cluster's lease on the hub is not renewed. */
  available: "ManagedClusterConditionAvailable",
  /** True while the hub takes a deleted cluster apart. */
  deleting: "Deleting",
} as const;

/** A cluster that has registered, or asks to. */
export const managedCluster = z.looseObject({
  ...objectShape,
  spec: z
    .looseObject({
      hubAcceptsClient: z.boolean().default(false),
      managedClusterClientConfigs: z
        .array(
          z.looseObject({
            url: z.string(),
            /** Base64 of PEM. */
            caBundle: z.string().nullish(),
          }),
        )
        .optional(),
      taints: z
        .array(
          z.looseObject({
            key: z.string(),
            value: z.string().optional(),
            effect: z.string(),
          }),
        )
        .optional(),
    })
    .prefault({}),
  status: z
    .looseObject({
      conditions: z.array(condition).default([]),
      version: z.looseObject({ kubernetes: z.string().optional() }).optional(),
    })
    .prefault({}),
});
export type ManagedCluster = z.infer<typeof managedCluster>;

export const managedClusters = {
  group: "cluster.open-cluster-management.io",
  version: "v1",
  plural: "managedclusters",
  kind: "ManagedCluster",
  namespaced: false,
  parse: (input) => managedCluster.parse(input),
} as const satisfies ResourceType<ManagedCluster>;
