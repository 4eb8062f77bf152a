import { type AddonVersion, signerNames } from "#api";
import { isSame } from "../canonical-json.ts";
import type { AddonStatus, AddonView, Registration } from "./addon-view.ts";

/** What `status` is changed to, in the form of one version. */
export type StatusPatch = Readonly<Record<string, unknown>>;

/** The fields of `status` that differ, or undefined when there is nothing to write. */
export function statusPatch(
  version: AddonVersion,
  before: AddonStatus,
  after: AddonStatus,
): StatusPatch | undefined {
  const changes = {
    ...changed(before, after, "conditions"),
    ...changed(before, after, "supportedConfigs"),
    ...changed(before, after, "configReferences"),
    ...changed(before, after, "namespace"),
    ...(isSame(before.registrations, after.registrations)
      ? {}
      : { registrations: after.registrations.map(forms[version]) }),
    ...(before.healthMode === after.healthMode ? {} : { healthCheck: { mode: after.healthMode } }),
  };
  return Object.keys(changes).length === 0 ? undefined : changes;
}

/** The merge patch that writes it, refused by the server if the object has changed since. */
export function guardedPatch(
  { object: { metadata } }: AddonView,
  status: StatusPatch,
): Readonly<Record<string, unknown>> {
  const { uid, resourceVersion } = metadata;
  return { metadata: { uid, resourceVersion }, status };
}

function changed(before: AddonStatus, after: AddonStatus, key: keyof AddonStatus): StatusPatch {
  return isSame(before[key], after[key]) ? {} : { [key]: after[key] };
}

const forms = { v1alpha1: toV1alpha1, v1beta1: toV1beta1 } as const satisfies Record<
  AddonVersion,
  (registration: Registration) => unknown
>;

/** The driver is a field of the status there, and the klusterlet's alone. */
function toV1alpha1(registration: Registration): unknown {
  const { user, groups } = registration;
  if (registration.kind === "kubeClient") {
    return { signerName: signerNames.kubeApiserverClient, subject: { user, groups } };
  }
  const { signerName, organizationUnits } = registration;
  return { signerName, subject: { user, groups, organizationUnit: organizationUnits } };
}

function toV1beta1(registration: Registration): unknown {
  const { user, groups } = registration;
  if (registration.kind === "kubeClient") {
    const { driver } = registration;
    const kubeClient = {
      ...(user === "" && groups.length === 0 ? {} : { subject: { user, groups } }),
      ...(driver === "" ? {} : { driver }),
    };
    return { type: "kubeClient", kubeClient };
  }
  const { signerName, organizationUnits } = registration;
  const customSigner = { signerName, subject: { user, groups, organizationUnits } };
  return { type: "customSigner", customSigner };
}
