import {
  type ClusterProfile,
  clusterManagerLabel,
  clusterSetBoundCondition,
  isConditionTrue,
  isInClusterSet,
  type ManagedCluster,
  type ManagedClusterSet,
  type ManagedClusterSetBinding,
  ocmClusterManager,
  ocmLabels,
} from "#api";

/** What a ClusterProfile gives its namespace a right to. */
export type Standing =
  /** It is none of OCM's, or it is gone: nothing of ours belongs to it. */
  | { readonly kind: "foreign" }
  /** Its namespace has no claim to the cluster, whoever made the profile. */
  | { readonly kind: "unbound"; readonly clusterName: string }
  | {
      readonly kind: "bound";
      readonly cluster: ManagedCluster;
      /** Whether the namespace is one of those that get credentials. */
      readonly getsCredentials: boolean;
    };

/** Which namespaces may get credentials: these, or with `*` every one that is bound. */
export type CredentialNamespaces = readonly string[];

/** What the standing of a profile depends on. */
export interface StandingInput {
  readonly profile: ClusterProfile | undefined;
  /** The cluster that the profile names; undefined when the hub has none of that name. */
  readonly cluster: ManagedCluster | undefined;
  /** The bindings of the profile's namespace. */
  readonly bindings: readonly ManagedClusterSetBinding[];
  readonly sets: readonly ManagedClusterSet[];
  readonly namespaces: CredentialNamespaces;
}

/**
 * Whoever may write ClusterProfiles in a namespace can make one for any cluster. What counts is
 * that an administrator has bound a set with the cluster to the namespace, which takes a right of
 * its own (`managedclustersets/bind`).
 */
export function standingOf({
  profile,
  cluster,
  bindings,
  sets,
  namespaces,
}: StandingInput): Standing {
  const clusterName = profile && clusterNameOf(profile);
  if (profile === undefined || clusterName === undefined) return { kind: "foreign" };
  const isBound = cluster !== undefined && sets.some((set) => isIn(cluster, set, bindings));
  if (!isBound) return { kind: "unbound", clusterName };
  const { namespace = "" } = profile.metadata;
  const getsCredentials = namespaces.includes("*") || namespaces.includes(namespace);
  return { kind: "bound", cluster, getsCredentials };
}

/** The cluster that a profile of OCM's is about; undefined for profiles of others. */
export function clusterNameOf({ metadata, spec }: ClusterProfile): string | undefined {
  const isOurs =
    metadata.deletionTimestamp === undefined &&
    metadata.labels?.[clusterManagerLabel] === ocmClusterManager &&
    spec.clusterManager?.name === ocmClusterManager;
  const name = metadata.labels?.[ocmLabels.clusterName];
  return isOurs && name !== "" ? name : undefined;
}

function isIn(
  cluster: ManagedCluster,
  set: ManagedClusterSet,
  bindings: readonly ManagedClusterSetBinding[],
): boolean {
  const isBound = ({ spec, status, metadata }: ManagedClusterSetBinding): boolean =>
    spec.clusterSet === set.metadata.name &&
    metadata.deletionTimestamp === undefined &&
    isConditionTrue(status?.conditions, clusterSetBoundCondition);
  return isInClusterSet(cluster, set) && bindings.some(isBound);
}
