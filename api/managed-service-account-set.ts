import * as z from "zod";
import {
  conditionList,
  dnsSubdomain,
  int32,
  int64,
  labelValue,
  objectShape,
} from "./custom-resource.ts";
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

export const managedServiceAccountSetSpec = z.object({
  placementRef: z
    .object({ name: dnsSubdomain().describe("Name of a Placement in this object's namespace.") })
    .describe("Selects the clusters."),
  accountName: dnsSubdomain()
    .optional()
    .describe("Name of the accounts; this object's name when absent."),
  template: z
    .object({
      metadata: z
        .object({
          labels: z.record(z.string(), labelValue()).optional().describe("Labels of each account."),
          annotations: z
            .record(z.string(), z.string())
            .optional()
            .describe("Annotations of each account."),
        })
        .optional()
        .describe("What each account carries."),
      spec: managedServiceAccountSpec.describe("What is wanted of each account.").meta({
        "x-kubernetes-validations": [
          {
            rule: "!has(self.outputs) || !has(self.outputs.argocd) || (!has(self.outputs.argocd.secretName) && !has(self.outputs.argocd.clusterName))",
            message:
              "outputs.argocd must not hold secretName or clusterName: the Secrets of all clusters are in one namespace, and need names of their own",
          },
          {
            rule: "!has(self.outputs) || !has(self.outputs.kubeconfig) || !has(self.outputs.kubeconfig.namespace) || !has(self.outputs.kubeconfig.secretName)",
            message:
              "outputs.kubeconfig must not hold both namespace and secretName: the Secrets of all clusters would have one name",
          },
        ],
      }),
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
