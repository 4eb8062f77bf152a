import * as z from "zod";
import { conditionList, int32, int64, objectShape } from "./custom-resource.ts";
import { managedServiceAccountSpec, managedServiceAccounts } from "./managed-service-account.ts";
import type { ResourceType } from "./resource.ts";

/** One ManagedServiceAccount for every cluster that a Placement selects. */
export const managedServiceAccountSets = {
  group: managedServiceAccounts.group,
  version: "v1alpha1",
  plural: "managedserviceaccountsets",
  kind: "ManagedServiceAccountSet",
  namespaced: true,
  parse: (input) => managedServiceAccountSet.parse(input),
} as const satisfies ResourceType<ManagedServiceAccountSet>;

/** Around a ManagedServiceAccountSet. */
export const managedServiceAccountSetNames = {
  /** Label of an account that a set made: the set's uid. */
  setLabel: "authentication.open-cluster-management.io/managed-serviceaccount-set",
  /** Annotation beside it, for people: `<namespace>/<name>` of the set. */
  setAnnotation: "authentication.open-cluster-management.io/managed-serviceaccount-set",
  /** Holds a set until its accounts are gone. */
  finalizer: "authentication.open-cluster-management.io/managed-serviceaccount-set",
} as const;

/** Condition types of a ManagedServiceAccountSet. */
export const managedServiceAccountSetConditionTypes = {
  /** Every selected cluster has its account, and that is ready. */
  ready: "Ready",
} as const;

const name = () => z.string().meta({ minLength: 1, maxLength: 253 });
const texts = () => z.record(z.string(), z.string());

export const managedServiceAccountSetSpec = z.object({
  placementRef: z
    .object({ name: name().describe("Name of a Placement in this object's namespace.") })
    .describe("Selects the clusters."),
  accountName: name().optional().describe("Name of the accounts; this object's name when absent."),
  template: z
    .object({
      metadata: z
        .object({
          labels: texts().optional().describe("Labels of each account."),
          annotations: texts().optional().describe("Annotations of each account."),
        })
        .optional()
        .describe("What each account carries."),
      spec: managedServiceAccountSpec.describe("What is wanted of each account."),
    })
    .describe("What the accounts are made from."),
});

const notReady = z.object({
  cluster: z.string().describe("Name of the cluster."),
  reason: z.string().describe("Why, in one CamelCase word."),
  message: z.string().describe("Why, for people."),
});
export type NotReady = z.infer<typeof notReady>;

export const managedServiceAccountSetStatus = z.object({
  observedGeneration: int64().optional().describe("Generation that this is about."),
  selected: int32().optional().describe("How many clusters are selected."),
  ready: int32().optional().describe("How many of them have an account that is ready."),
  summary: z.string().optional().describe("Both numbers, as 12/14."),
  notReady: z
    .array(notReady)
    .optional()
    .describe("The clusters whose account is not ready, in order of name; at most 50."),
  conditions: conditionList.default([]).describe("Whether all accounts are ready."),
});
export type ManagedServiceAccountSetStatus = z.infer<typeof managedServiceAccountSetStatus>;

/** A ManagedServiceAccountSet as the API server returns it. */
export const managedServiceAccountSet = z.looseObject({
  ...objectShape,
  spec: managedServiceAccountSetSpec,
  status: managedServiceAccountSetStatus.prefault({}),
});
export type ManagedServiceAccountSet = z.infer<typeof managedServiceAccountSet>;
