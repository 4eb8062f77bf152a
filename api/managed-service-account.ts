import * as z from "zod";
import { accountOutputs } from "./account-outputs.ts";
import { conditionList, dateTime, int32, objectShape } from "./custom-resource.ts";
import { permissions } from "./permissions.ts";
import type { ResourceType } from "./resource.ts";

/** A ServiceAccount on a managed cluster whose token is kept, fresh, in a Secret on the hub. */
export const managedServiceAccounts = {
  group: "authentication.open-cluster-management.io",
  version: "v1beta1",
  plural: "managedserviceaccounts",
  kind: "ManagedServiceAccount",
  namespaced: true,
  parse: (input) => managedServiceAccount.parse(input),
} as const satisfies ResourceType<ManagedServiceAccount>;

/** The same resource in its deprecated version; the schema is the same. */
export const managedServiceAccountsV1alpha1 = {
  ...managedServiceAccounts,
  version: "v1alpha1",
} as const satisfies ResourceType<ManagedServiceAccount>;

/** Labels around a ManagedServiceAccount. */
export const managedServiceAccountLabels = {
  /** `"true"` on the ServiceAccount and on the hub Secret that belong to one. */
  managed: "authentication.open-cluster-management.io/is-managed-serviceaccount",
  /** `"true"` on one whose token is copied beside the ClusterProfiles of its cluster. */
  syncToClusterProfile: "authentication.open-cluster-management.io/sync-to-clusterprofile",
  /** On such a copy: `<namespace>-<name>` of its source. */
  syncedFrom: "authentication.open-cluster-management.io/synced-from",
} as const;

/** Annotations around a ManagedServiceAccount. */
export const managedServiceAccountAnnotations = {
  /** `"true"` on a ServiceAccount that others made: lets a ManagedServiceAccount hand out its token. */
  adopt: "authentication.open-cluster-management.io/adopt",
  /** The only namespaces, comma-separated, whose ClusterProfiles get a copy of the token. */
  clusterProfileNamespaces: "authentication.open-cluster-management.io/clusterprofile-namespaces",
} as const;

/** Names of what comes with the agent. */
export const managedServiceAccountNames = {
  /** The agent's own ClusterRole on the managed cluster, which goes with the addon. */
  agentClusterRole: "open-cluster-management:managed-serviceaccount:addon-agent",
} as const;

/** Condition types of a ManagedServiceAccount. */
export const managedServiceAccountConditionTypes = {
  /** The hub Secret exists. */
  secretCreated: "SecretCreated",
  /** The hub Secret holds a valid token. False carries the reason why it could not be renewed. */
  tokenReported: "TokenReported",
  /** The managed cluster grants what `spec.permissions` asks for. Absent without that field. */
  permissionsApplied: "PermissionsApplied",
  /** All that `spec.outputs` asks for is there, with the token of now. Absent without that field. */
  outputsReady: "OutputsReady",
} as const;

/** Condition reasons of a ManagedServiceAccount. */
export const managedServiceAccountReasons = {
  secretCreated: "SecretCreated",
  tokenReported: "TokenReported",
  tokenReportFailed: "TokenReportFailed",
  /** There is no Secret on the hub yet. */
  secretMissing: "SecretMissing",
  /** `spec.rotation.validity` is none that a token can be issued for. */
  invalidValidity: "InvalidValidity",
  /** Others made the ServiceAccount of that name, and it does not ask to be adopted. */
  serviceAccountNotOurs: "ServiceAccountNotOurs",
  /** Others made the hub Secret of that name. */
  secretNotOurs: "SecretNotOurs",
  /** The cluster does not have the addon any more. */
  addonRemoved: "AddonRemoved",
  permissionsApplied: "PermissionsApplied",
  /** The hub's policy does not allow all that `spec.permissions` asks for, or no cluster could. */
  permissionsRefused: "PermissionsRefused",
  /** The managed cluster did not take them. */
  permissionsFailed: "PermissionsFailed",
  /** There is no ServiceAccount of ours yet that could be given permissions. */
  serviceAccountMissing: "ServiceAccountMissing",
} as const;
export type ManagedServiceAccountReason =
  (typeof managedServiceAccountReasons)[keyof typeof managedServiceAccountReasons];

/** Keys of the hub Secret. */
export const tokenSecretKeys = { token: "token", ca: "ca.crt" } as const;

/** Validity of a token when the spec says nothing (360 days). */
export const defaultTokenValidity = "8640h0m0s";

/**
 * The API server checks form and bounds; here any string passes, so that an object stored before
 * these rules can still be read and its fault reported in its conditions.
 */
const validity = z
  .string()
  .default(defaultTokenValidity)
  .describe("How long a token is to be valid, as Go writes durations (720h, 1h30m).")
  .meta({
    maxLength: 64,
    pattern: "^([0-9]+(\\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$",
    "x-kubernetes-validations": [
      {
        rule: "duration(self) >= duration('10m')",
        message: "validity must be at least 10m: the API server issues no shorter token",
      },
      {
        rule: "duration(self) <= duration('1193046h')",
        message: "validity must be at most 1193046h: the API server issues no longer token",
      },
    ],
  });

const rotation = z
  .object({
    enabled: z
      .boolean()
      .default(true)
      .describe("Kept for compatibility, without effect: tokens are always rotated."),
    validity,
  })
  .describe("Validity and rotation of the token.");

/** What is wanted of the token, with all defaults filled in. */
export const managedServiceAccountSpec = z.object({
  rotation,
  ttlSecondsAfterCreation: int32()
    .gt(0)
    .optional()
    .describe(
      "Seconds after which this object is deleted. Acted on where the feature EphemeralIdentity is on.",
    ),
  permissions: permissions
    .optional()
    .describe(
      "What the ServiceAccount may do on its cluster, as far as the hub's policy allows. When absent, it is given nothing and nothing is taken from it.",
    ),
  outputs: accountOutputs
    .optional()
    .describe("What is made from the token on the hub, beside the Secret that holds it."),
});

export const managedServiceAccountStatus = z.object({
  conditions: conditionList.default([]).describe("Whether the token could be made and reported."),
  expirationTimestamp: dateTime().optional().describe("When the token in the Secret expires."),
  tokenSecretRef: z
    .object({
      name: z.string().describe("Name of the Secret, in this object's namespace."),
      lastRefreshTimestamp: dateTime().describe("When the token was last renewed."),
    })
    .optional()
    .describe("The Secret with the token."),
});
export type ManagedServiceAccountStatus = z.infer<typeof managedServiceAccountStatus>;

/** A ManagedServiceAccount as the API server returns it; an absent spec means all defaults. */
export const managedServiceAccount = z.looseObject({
  ...objectShape,
  spec: managedServiceAccountSpec.prefault({ rotation: {} }),
  status: managedServiceAccountStatus.prefault({}),
});
export type ManagedServiceAccount = z.infer<typeof managedServiceAccount>;
