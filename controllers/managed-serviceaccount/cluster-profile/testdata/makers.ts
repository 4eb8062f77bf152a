import {
  type ClusterProfile,
  clusterProfile,
  type ManagedCluster,
  type ManagedClusterSetBinding,
  type ManagedServiceAccount,
  managedCluster,
  managedClusterSetBinding,
  managedServiceAccount,
  type Secret,
} from "#api";

/** For tests: OCM's profile of cluster `c1` in namespace `team-a`. */
export function makeProfile(
  parts: { readonly metadata?: object; readonly spec?: object; readonly status?: object } = {},
): ClusterProfile {
  return clusterProfile.parse({
    metadata: {
      name: "c1",
      namespace: "team-a",
      uid: "profile-1",
      resourceVersion: "7",
      labels: {
        "x-k8s.io/cluster-manager": "open-cluster-management",
        "open-cluster-management.io/cluster-name": "c1",
      },
      ...parts.metadata,
    },
    spec: { clusterManager: { name: "open-cluster-management" }, ...parts.spec },
    status: parts.status,
  });
}

/** For tests: cluster `c1`. */
export function makeCluster(
  labels: Readonly<Record<string, string>> = {},
  clientConfigs?: readonly { readonly url: string; readonly caBundle?: string }[],
): ManagedCluster {
  return managedCluster.parse({
    metadata: { name: "c1", labels },
    spec: { managedClusterClientConfigs: clientConfigs },
  });
}

/** For tests: a binding of namespace `team-a`. */
export function makeBinding(set: string, status: "True" | "False"): ManagedClusterSetBinding {
  const lastTransitionTime = "2026-01-01T00:00:00Z";
  const bound = { type: "Bound", status, reason: "Because", message: "", lastTransitionTime };
  return managedClusterSetBinding.parse({
    metadata: { name: set, namespace: "team-a" },
    spec: { clusterSet: set },
    status: { conditions: [bound] },
  });
}

/** For tests: an account of cluster `c1` that asks to be shared. */
export function makeSharedAccount(name: string, metadata: object = {}): ManagedServiceAccount {
  return managedServiceAccount.parse({
    metadata: {
      name,
      namespace: "c1",
      uid: `account-${name}`,
      labels: { "authentication.open-cluster-management.io/sync-to-clusterprofile": "true" },
      ...metadata,
    },
    status: { tokenSecretRef: { name, lastRefreshTimestamp: "2026-01-01T00:00:00Z" } },
  });
}

/** For tests: the Secret that the agent keeps for an account. */
export function makeToken(name: string, token = "dG9rZW4="): Secret {
  return {
    metadata: { name, namespace: "c1", uid: `secret-${name}` },
    type: "Opaque",
    data: { "ca.crt": "Q0E=", token },
  };
}

/** For tests: a copy in `team-a`, as it was made for the profile. */
export function makeCopy(name: string, overrides: Partial<Secret["metadata"]> = {}): Secret {
  return {
    metadata: {
      name,
      namespace: "team-a",
      uid: `copy-${name}`,
      resourceVersion: "3",
      labels: { "authentication.open-cluster-management.io/synced-from": name },
      ownerReferences: [
        {
          apiVersion: "multicluster.x-k8s.io/v1alpha1",
          kind: "ClusterProfile",
          name: "c1",
          uid: "profile-1",
          controller: true,
        },
      ],
      ...overrides,
    },
    type: "Opaque",
    data: { "ca.crt": "Q0E=", token: "dG9rZW4=" },
  };
}
