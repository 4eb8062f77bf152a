import * as z from "zod";
import { condition } from "../conditions.ts";
import { objectShape } from "../custom-resource.ts";
import type { ResourceType } from "../resource.ts";
import { type AddonVersion, addonGroup } from "./addon-version.ts";
import { addOnConfig, configGroupResource, configReference } from "./config-reference.ts";

const subject = z.looseObject({
  user: z.string().optional(),
  groups: z.array(z.string()).optional(),
});

/** One entry of v1alpha1's `status.registrations`. */
export const registrationV1alpha1 = z.looseObject({
  signerName: z.string(),
  subject: subject.extend({ organizationUnit: z.array(z.string()).optional() }).optional(),
});
export type RegistrationV1alpha1 = z.infer<typeof registrationV1alpha1>;

/** One entry of v1beta1's `status.registrations`; `type` says which of the two is there. */
export const registrationV1beta1 = z.looseObject({
  type: z.string(),
  kubeClient: z
    .looseObject({ subject: subject.optional(), driver: z.string().optional() })
    .nullish(),
  customSigner: z
    .looseObject({
      signerName: z.string(),
      subject: subject.extend({ organizationUnits: z.array(z.string()).optional() }).optional(),
    })
    .nullish(),
});
export type RegistrationV1beta1 = z.infer<typeof registrationV1beta1>;

const status = z.looseObject({
  conditions: z.array(condition).default([]),
  supportedConfigs: z.array(configGroupResource).optional(),
  configReferences: z.array(configReference).optional(),
  namespace: z.string().optional(),
  healthCheck: z.looseObject({ mode: z.string().optional() }).optional(),
});

/** Condition types of a ManagedClusterAddOn; the comment says who sets it. */
export const addonConditionTypes = {
  /** The klusterlet, by the addon's lease; for addons of health mode Customized, we. */
  available: "Available",
  /** We. */
  registrationApplied: "RegistrationApplied",
  /** We. */
  manifestApplied: "ManifestApplied",
  /** We. */
  hookManifestCompleted: "HookManifestCompleted",
  /** OCM's addon manager. */
  configured: "Configured",
  /** OCM's addon manager. */
  progressing: "Progressing",
} as const;

/** Reasons of the conditions that we set. */
export const addonReasons = {
  nilRegistration: "NilRegistration",
  setPermissionApplied: "SetPermissionApplied",
  setPermissionFailed: "SetPermissionFailed",
  permissionConfigPending: "PermissionConfigPending",
  manifestApplied: "AddonManifestApplied",
  manifestAppliedFailed: "AddonManifestAppliedFailed",
  manifestWorkApplyFailed: "ManifestWorkApplyFailed",
  workNotFound: "WorkNotFound",
  workNotApplied: "WorkNotApplied",
  workApplied: "WorkApplied",
  noProbeResult: "NoProbeResult",
  probeUnavailable: "ProbeUnavailable",
  probeAvailable: "ProbeAvailable",
  healthzProbed: "SuccessfullyProbedHealthz",
  healthzFailed: "FailedProbingHealthz",
} as const;

/** Who decides whether an addon is available. */
export const healthCheckModes = { lease: "Lease", customized: "Customized" } as const;

/** An addon on one cluster, in its namespace on the hub, at v1alpha1. */
export const managedClusterAddOnV1alpha1 = z.looseObject({
  ...objectShape,
  spec: z
    .looseObject({
      installNamespace: z.string().optional(),
      configs: z.array(addOnConfig).optional(),
    })
    .prefault({}),
  status: status
    .extend({
      registrations: z.array(registrationV1alpha1).optional(),
      kubeClientDriver: z.string().optional(),
    })
    .prefault({}),
});
export type ManagedClusterAddOnV1alpha1 = z.infer<typeof managedClusterAddOnV1alpha1>;

/** The same at v1beta1; its install namespace is an annotation. */
export const managedClusterAddOnV1beta1 = z.looseObject({
  ...objectShape,
  spec: z.looseObject({ configs: z.array(addOnConfig).optional() }).prefault({}),
  status: status.extend({ registrations: z.array(registrationV1beta1).optional() }).prefault({}),
});
export type ManagedClusterAddOnV1beta1 = z.infer<typeof managedClusterAddOnV1beta1>;

/** The types of ManagedClusterAddOn by version. */
export interface ManagedClusterAddOnByVersion {
  v1alpha1: ManagedClusterAddOnV1alpha1;
  v1beta1: ManagedClusterAddOnV1beta1;
}

function describe<Version extends AddonVersion>(version: Version) {
  return {
    group: addonGroup,
    version,
    plural: "managedclusteraddons",
    kind: "ManagedClusterAddOn",
    namespaced: true,
  } as const;
}

/** ManagedClusterAddOns by version; use the newest that the hub serves, never both on one object. */
export const managedClusterAddOns = {
  v1alpha1: {
    ...describe("v1alpha1"),
    parse: (input) => managedClusterAddOnV1alpha1.parse(input),
  },
  v1beta1: {
    ...describe("v1beta1"),
    parse: (input) => managedClusterAddOnV1beta1.parse(input),
  },
} as const satisfies {
  [Version in AddonVersion]: ResourceType<ManagedClusterAddOnByVersion[Version]>;
};
