import * as z from "zod";

/** The kind of a configuration, as addons name it: by group and plural. */
export const configGroupResource = z.looseObject({
  group: z.string().default(""),
  resource: z.string(),
});
export type ConfigGroupResource = z.infer<typeof configGroupResource>;

/** Points to one configuration; the hash is empty until someone has computed it. */
export const configSpecHash = z.looseObject({
  namespace: z.string().optional(),
  name: z.string(),
  specHash: z.string().default(""),
});
export type ConfigSpecHash = z.infer<typeof configSpecHash>;

/** One entry of a ManagedClusterAddOn's `status.configReferences`. */
export const configReference = configGroupResource.extend({
  desiredConfig: configSpecHash.nullish(),
  lastAppliedConfig: configSpecHash.nullish(),
  lastObservedGeneration: z.number().optional(),
});
export type ConfigReference = z.infer<typeof configReference>;

/** One entry of an addon's `spec.configs`. */
export const addOnConfig = configGroupResource.extend({
  namespace: z.string().optional(),
  name: z.string(),
});
export type AddOnConfig = z.infer<typeof addOnConfig>;
