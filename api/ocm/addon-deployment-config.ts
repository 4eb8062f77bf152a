import * as z from "zod";
import { objectShape } from "../custom-resource.ts";
import type { ResourceType } from "../resource.ts";
import { toleration } from "../scheduling.ts";
import { type AddonVersion, addonGroup } from "./addon-version.ts";

/** What an administrator may set for an addon's agents, for all clusters or for some. */
export const addOnDeploymentConfig = z.looseObject({
  ...objectShape,
  spec: z
    .looseObject({
      customizedVariables: z
        .array(z.looseObject({ name: z.string(), value: z.string().default("") }))
        .optional(),
      nodePlacement: z
        .looseObject({
          nodeSelector: z.record(z.string(), z.string()).optional(),
          tolerations: z.array(toleration).optional(),
        })
        .optional(),
      registries: z
        .array(z.looseObject({ source: z.string().default(""), mirror: z.string() }))
        .optional(),
      proxyConfig: z
        .looseObject({
          httpProxy: z.string().optional(),
          httpsProxy: z.string().optional(),
          noProxy: z.string().optional(),
          /** Base64 of PEM. */
          caBundle: z.string().nullish(),
        })
        .optional(),
      /** Absent or empty: as the addon sees fit. */
      agentInstallNamespace: z.string().optional(),
      resourceRequirements: z
        .array(
          z.looseObject({
            /** `<resource>:<name>:<container>`, each of which may be `*`; the last match wins. */
            containerID: z.string(),
            resources: z.looseObject({
              requests: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
              limits: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
            }),
          }),
        )
        .optional(),
    })
    .prefault({}),
});
export type AddOnDeploymentConfig = z.infer<typeof addOnDeploymentConfig>;

/** AddOnDeploymentConfigs at the version that the hub serves; both have the same fields. */
export function addOnDeploymentConfigs(version: AddonVersion): ResourceType<AddOnDeploymentConfig> {
  return {
    group: addonGroup,
    version,
    plural: "addondeploymentconfigs",
    kind: "AddOnDeploymentConfig",
    namespaced: true,
    parse: (input) => addOnDeploymentConfig.parse(input),
  };
}
