import * as z from "zod";
import { condition } from "../conditions.ts";
import { objectShape } from "../custom-resource.ts";
import type { ResourceType } from "../resource.ts";

/** Condition types of a ManifestWork. */
export const manifestWorkConditionTypes = {
  /** Every manifest is on the cluster. */
  applied: "Applied",
  /** Every manifest's object exists there; whether it is ready, feedback tells. */
  available: "Available",
} as const;

const resourceIdentifier = z.looseObject({
  group: z.string().default(""),
  resource: z.string(),
  name: z.string(),
  namespace: z.string().default(""),
});
export type ManifestResourceIdentifier = z.infer<typeof resourceIdentifier>;

const feedbackRule = z.looseObject({
  type: z.string(),
  jsonPaths: z
    .array(z.looseObject({ name: z.string(), path: z.string(), version: z.string().optional() }))
    .optional(),
});

const manifestConfig = z.looseObject({
  resourceIdentifier,
  feedbackRules: z.array(feedbackRule).optional(),
  updateStrategy: z.looseObject({ type: z.string().optional() }).nullish(),
});
export type ManifestConfig = z.infer<typeof manifestConfig>;

const deleteOption = z.looseObject({
  propagationPolicy: z.string(),
  selectivelyOrphans: z
    .looseObject({ orphaningRules: z.array(resourceIdentifier).optional() })
    .nullish(),
});
export type DeleteOption = z.infer<typeof deleteOption>;

const manifest = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
});
/** An object that is to be on the managed cluster. */
export type Manifest = z.infer<typeof manifest>;

const feedbackValue = z.looseObject({
  name: z.string(),
  fieldValue: z.looseObject({
    type: z.string(),
    integer: z.number().nullish(),
    string: z.string().nullish(),
    boolean: z.boolean().nullish(),
    jsonRaw: z.string().nullish(),
  }),
});
export type FeedbackValue = z.infer<typeof feedbackValue>;

const manifestStatus = z.looseObject({
  resourceMeta: z.looseObject({
    ordinal: z.number().optional(),
    group: z.string().default(""),
    version: z.string().default(""),
    kind: z.string().default(""),
    resource: z.string().default(""),
    name: z.string().default(""),
    namespace: z.string().default(""),
  }),
  conditions: z.array(condition).default([]),
  statusFeedback: z.looseObject({ values: z.array(feedbackValue).optional() }).optional(),
});
export type ManifestStatus = z.infer<typeof manifestStatus>;

/** Objects that the work agent keeps on one managed cluster, in its namespace on the hub. */
export const manifestWork = z.looseObject({
  ...objectShape,
  spec: z
    .looseObject({
      workload: z.looseObject({ manifests: z.array(manifest).optional() }).prefault({}),
      deleteOption: deleteOption.nullish(),
      manifestConfigs: z.array(manifestConfig).optional(),
    })
    .prefault({}),
  status: z
    .looseObject({
      conditions: z.array(condition).default([]),
      resourceStatus: z.looseObject({ manifests: z.array(manifestStatus).optional() }).prefault({}),
    })
    .prefault({}),
});
export type ManifestWork = z.infer<typeof manifestWork>;

export const manifestWorks = {
  group: "work.open-cluster-management.io",
  version: "v1",
  plural: "manifestworks",
  kind: "ManifestWork",
  namespaced: true,
  parse: (input) => manifestWork.parse(input),
} as const satisfies ResourceType<ManifestWork>;
