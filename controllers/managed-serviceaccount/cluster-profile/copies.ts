import { createHash } from "node:crypto";
import {
  apiVersionOf,
  type ClusterProfile,
  clusterProfiles,
  type ManagedServiceAccount,
  managedServiceAccountAnnotations,
  managedServiceAccountLabels,
  ownerReferenceTo,
  type ResourceType,
  type Secret,
} from "#api";
import { isContained, isSame } from "../../canonical-json.ts";

/** Longest value of a label, and longest name of a Secret. */
const maxLabel = 63;
const maxName = 253;

/** Name of the copy of an account's token Secret, beside the ClusterProfile. */
export function copyNameOf({ metadata }: ManagedServiceAccount): string {
  return `${metadata.namespace}-${metadata.name}`;
}

/** Whether a Secret can have that name at all. */
export function isUsableName(name: string): boolean {
  return name.length <= maxName;
}

/** The value of the copies' label: the copy's name, shortened where a label cannot hold it. */
export function syncedFromOf(copyName: string): string {
  if (copyName.length <= maxLabel) return copyName;
  const hash = createHash("sha256").update(copyName).digest("hex").slice(0, 16);
  return `${copyName.slice(0, maxLabel - hash.length - 1).replace(/[^a-z0-9]+$/, "")}-${hash}`;
}

/** True for an account that is labelled for ClusterProfiles. */
export function asksToBeShared(account: ManagedServiceAccount | undefined): boolean {
  return account?.metadata.labels?.[managedServiceAccountLabels.syncToClusterProfile] === "true";
}

/** True when the token of the account is to be copied, and to that namespace too. */
export function isSharedWith(
  account: ManagedServiceAccount,
  namespace: string | undefined,
): boolean {
  const { metadata } = account;
  if (metadata.deletionTimestamp !== undefined || !asksToBeShared(account)) return false;
  const listed = metadata.annotations?.[managedServiceAccountAnnotations.clusterProfileNamespaces];
  if (listed === undefined) return true;
  return listed.split(",").some((name) => name.trim() === namespace);
}

/** True for a Secret that was made for a profile of that name, in this incarnation or before. */
export function isCopyFor(profileName: string, { metadata }: Secret): boolean {
  return (
    metadata.labels?.[managedServiceAccountLabels.syncedFrom] !== undefined &&
    ownerNameOf(metadata) === profileName
  );
}

/** The ClusterProfile that a Secret belongs to. */
export function ownerNameOf({ ownerReferences = [] }: Secret["metadata"]): string | undefined {
  return ownerReferences.find(({ kind, apiVersion }) => {
    return kind === clusterProfiles.kind && apiVersion.startsWith(`${clusterProfiles.group}/`);
  })?.name;
}

/** The copy as it should be; labels and annotations that others added to the present one stay. */
export function desiredCopy(
  type: ResourceType,
  profile: ClusterProfile,
  copyName: string,
  source: Secret,
  present: Secret | undefined,
): Secret {
  const { namespace } = profile.metadata;
  const owner = ownerReferenceTo(apiVersionOf(type), type.kind, profile, { controller: true });
  return {
    metadata: {
      ...present?.metadata,
      name: copyName,
      namespace,
      labels: {
        ...present?.metadata.labels,
        [managedServiceAccountLabels.syncedFrom]: syncedFromOf(copyName),
      },
      ownerReferences: [owner],
    },
    type: present?.type ?? "Opaque",
    data: source.data ?? {},
  };
}

/** True when nothing needs to be written. */
export function isCurrent(wanted: Secret, present: Secret): boolean {
  return isSame(wanted.data, present.data) && isContained(wanted.metadata, present.metadata);
}
