import {
  type ClusterGateway,
  type CredentialType,
  clusterGateways,
  clusterGatewayVersion,
  credentialTypes,
  type VirtualCluster,
  virtualClusters,
} from "./cluster-gateway.ts";
import type { ResourceType } from "./resource.ts";

/** The groups that ClusterGateways can be served in. */
export const clusterGatewayGroups = [
  "cluster.core.oam.dev",
  "gateway.open-cluster-management.io",
] as const;
export type ClusterGatewayGroup = (typeof clusterGatewayGroups)[number];

/**
 * One of the forms in which ClusterGateways are served and kept: that of oam-dev, and that of
 * kluster-manager's fork of it. Whatever differs between them is here, or follows from `keptIn`.
 */
export interface ClusterGatewayLayout {
  readonly group: ClusterGatewayGroup;
  readonly version: string;
  readonly apiVersion: string;
  readonly apiServiceName: string;
  readonly clusterGateways: ResourceType<ClusterGateway>;
  /** Undefined where the group has no such kind. */
  readonly virtualClusters: ResourceType<VirtualCluster> | undefined;
  /**
   * Where a cluster comes from: a labelled Secret for each in one namespace, or its ManagedCluster
   * with the addon, and the addon's Secret, in the cluster's own namespace.
   */
  readonly keptIn: "secrets" | "addons";
  readonly keys: ClusterGatewayKeys;
  /** Credentials that may be used. */
  readonly credentialTypes: readonly CredentialType[];
  /** Whether ClusterGateways have `spec.provider`, and a column for it. */
  readonly hasProvider: boolean;
  /** Names in OpenAPI documents, for clients that were generated from upstream's. */
  readonly openapi: {
    /** Before the name of every kind. */
    readonly definitions: string;
    /** Within the name of every operation. */
    readonly operations: string;
  };
}

/** Keys on the objects that clusters are kept in; they follow the group. */
export interface ClusterGatewayKeys {
  /** Label of a Secret, a `CredentialType`. */
  readonly credentialType: string;
  /** Annotations, of the Secret or of the addon. */
  readonly healthy: string;
  readonly healthyReason: string;
  /** Identity rules of one cluster alone. */
  readonly proxyConfiguration: string;
}

/** On the addon of a cluster that is kept in addons: a forward proxy in between. */
export const proxyUrlAnnotation = "proxy-url";

/** All layouts, by their group. */
export const clusterGatewayLayouts: Readonly<Record<ClusterGatewayGroup, ClusterGatewayLayout>> = {
  "cluster.core.oam.dev": {
    ...namesOf("cluster.core.oam.dev"),
    virtualClusters,
    keptIn: "secrets",
    credentialTypes: Object.values(credentialTypes),
    hasProvider: true,
    openapi: {
      definitions: "com.github.oam-dev.cluster-gateway.pkg.apis.cluster.v1alpha1",
      operations: "Core",
    },
  },
  "gateway.open-cluster-management.io": {
    ...namesOf("gateway.open-cluster-management.io"),
    virtualClusters: undefined,
    keptIn: "addons",
    credentialTypes: [credentialTypes.serviceAccountToken, credentialTypes.x509Certificate],
    hasProvider: false,
    openapi: {
      definitions: "com.github.kluster-manager.cluster-gateway.pkg.apis.gateway.v1alpha1",
      operations: "Gateway",
    },
  },
};

/** The layout that is served unless another is asked for. */
export const defaultClusterGatewayLayout = clusterGatewayLayouts["cluster.core.oam.dev"];

function namesOf(group: ClusterGatewayGroup) {
  const version = clusterGatewayVersion;
  return {
    group,
    version,
    apiVersion: `${group}/${version}`,
    apiServiceName: `${version}.${group}`,
    clusterGateways: { ...clusterGateways, group },
    keys: {
      credentialType: `${group}/cluster-credential-type`,
      healthy: `status.${group}/healthy`,
      healthyReason: `status.${group}/healthy-reason`,
      proxyConfiguration: `${group}/cluster-gateway-proxy-configuration`,
    },
  };
}

/** The path of a managed cluster's API on a hub. */
export function clusterProxyPath(
  { apiVersion }: Pick<ClusterGatewayLayout, "apiVersion">,
  cluster: string,
): string {
  return `/apis/${apiVersion}/clustergateways/${cluster}/proxy`;
}
