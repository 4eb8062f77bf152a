import * as z from "zod";
import { condition } from "../conditions.ts";
import { objectShape } from "../custom-resource.ts";
import type { ResourceType } from "../resource.ts";
import { type AddonVersion, addonGroup } from "./addon-version.ts";
import { addOnConfig, configGroupResource, configSpecHash } from "./config-reference.ts";

const placementRef = z.looseObject({ namespace: z.string(), name: z.string() });

const installStrategy = z.looseObject({
  type: z.string().optional(),
  placements: z.array(placementRef.extend({ configs: z.array(addOnConfig).optional() })).optional(),
});

const installProgression = placementRef.extend({
  configReferences: z
    .array(
      configGroupResource.extend({
        desiredConfig: configSpecHash.nullish(),
        lastKnownGoodConfig: configSpecHash.nullish(),
        lastAppliedConfig: configSpecHash.nullish(),
      }),
    )
    .optional(),
  conditions: z.array(condition).optional(),
});

const defaultConfigReference = configGroupResource.extend({
  desiredConfig: configSpecHash.nullish(),
});
export type DefaultConfigReference = z.infer<typeof defaultConfigReference>;
export type InstallProgression = z.infer<typeof installProgression>;

/** Entry of v1beta1's `defaultConfigs` that names a kind of configuration without a default. */
export const noDefaultConfigName = "__reserved_no_default__";

/**
 * What is true of an addon on all clusters, as we read it of either version. Only the fields of
 * the version that was asked for are there.
 */
export const clusterManagementAddOn = z.looseObject({
  ...objectShape,
  spec: z
    .looseObject({
      installStrategy: installStrategy.optional(),
      /** v1beta1 */
      defaultConfigs: z.array(addOnConfig).optional(),
      /** v1alpha1 */
      supportedConfigs: z
        .array(
          configGroupResource.extend({
            defaultConfig: z
              .looseObject({ namespace: z.string().optional(), name: z.string() })
              .nullish(),
          }),
        )
        .optional(),
    })
    .prefault({}),
  status: z
    .looseObject({
      installProgressions: z.array(installProgression).optional(),
      /** v1beta1 */
      defaultConfigReferences: z.array(defaultConfigReference).optional(),
      /** v1alpha1, which spells it so */
      defaultconfigReferences: z.array(defaultConfigReference).optional(),
    })
    .prefault({}),
});
export type ClusterManagementAddOn = z.infer<typeof clusterManagementAddOn>;

/** ClusterManagementAddOns at the version that the hub serves. */
export function clusterManagementAddOns(
  version: AddonVersion,
): ResourceType<ClusterManagementAddOn> {
  return {
    group: addonGroup,
    version,
    plural: "clustermanagementaddons",
    kind: "ClusterManagementAddOn",
    namespaced: false,
    parse: (input) => clusterManagementAddOn.parse(input),
  };
}
