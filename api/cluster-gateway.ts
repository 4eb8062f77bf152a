import type { Condition } from "./conditions.ts";
import type { KubeObject } from "./object-meta.ts";
import type { ResourceType } from "./resource.ts";

/** The aggregated API that the gateway serves, unless it is told to serve the other layout's. */
export const clusterGatewayGroup = "cluster.core.oam.dev";
export const clusterGatewayVersion = "v1alpha1";

/** How the gateway proves to a managed cluster who it is. */
export const credentialTypes = {
  serviceAccountToken: "ServiceAccountToken",
  x509Certificate: "X509Certificate",
  dynamic: "Dynamic",
} as const;
export type CredentialType = (typeof credentialTypes)[keyof typeof credentialTypes];

/** How the gateway reaches a managed cluster: at an address, or through the tunnel. */
export const endpointTypes = { const: "Const", clusterProxy: "ClusterProxy" } as const;
export type EndpointType = (typeof endpointTypes)[keyof typeof endpointTypes];

/** Labels on the Secret of a cluster, in the gateway's secret namespace. */
export const clusterSecretLabels = {
  /** A {@link CredentialType}. It makes a Secret a cluster. */
  credentialType: `${clusterGatewayGroup}/cluster-credential-type`,
  /** An {@link EndpointType}; `Const` when absent. */
  endpointType: `${clusterGatewayGroup}/cluster-endpoint-type`,
} as const;

/** Keys of the Secret of a cluster. */
export const clusterSecretKeys = {
  endpoint: "endpoint",
  ca: "ca.crt",
  /** Read when `ca.crt` is absent. */
  legacyCa: "ca",
  token: "token",
  certificate: "tls.crt",
  privateKey: "tls.key",
  proxyUrl: "proxy-url",
  /** Of credential type `Dynamic`: the command that hands out credentials, JSON. */
  exec: "exec",
} as const;

/** Annotations on the Secret of a cluster. */
export const clusterSecretAnnotations = {
  healthy: `status.${clusterGatewayGroup}/healthy`,
  healthyReason: `status.${clusterGatewayGroup}/healthy-reason`,
  /** Identity rules of this cluster alone. */
  proxyConfiguration: `${clusterGatewayGroup}/cluster-gateway-proxy-configuration`,
  /** A second name that people use, also on a ManagedCluster. */
  alias: `${clusterGatewayGroup}/cluster-alias`,
  /** What `kubectl apply` last sent for the ClusterGateway, without credentials. */
  lastApplied: `${clusterGatewayGroup}/last-applied-configuration`,
} as const;

/** Where `kubectl apply` keeps what it last sent. On a Secret, that holds the credential. */
export const lastAppliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration";

/** Label of a VirtualCluster that tells the hub itself from the others. */
export const controlPlaneLabel = `${clusterGatewayGroup}/control-plane`;

/** A managed cluster as the gateway shows it. */
export interface ClusterGateway extends KubeObject {
  readonly spec: {
    /** Always empty; only of layouts that have it. */
    readonly provider?: string;
    /** Identity rules of this cluster; only of layouts that show them. */
    readonly proxyConfig?: unknown;
    readonly access: {
      readonly endpoint: {
        readonly type: string;
        readonly const?: {
          readonly address: string;
          /** Base64 of PEM. */
          readonly caBundle?: string;
          readonly insecure?: boolean;
          readonly "proxy-url"?: string;
        };
      };
      readonly credential?: {
        readonly type: string;
        /** Only where an administrator restored upstream's output. */
        readonly serviceAccountToken?: string;
        /** Base64 of PEM; as above. */
        readonly x509?: { readonly certificate: string; readonly privateKey: string };
      };
    };
  };
  readonly status: {
    readonly healthy: boolean;
    readonly healthyReason?: string;
    /** Only of a cluster that cannot be used. */
    readonly conditions?: readonly Condition[];
  };
}

/** Condition types of a ClusterGateway. */
export const clusterGatewayUsable = "Usable";

export const clusterGateways = {
  group: clusterGatewayGroup,
  version: clusterGatewayVersion,
  plural: "clustergateways",
  kind: "ClusterGateway",
  namespaced: false,
} as const satisfies ResourceType<ClusterGateway>;

/** A cluster of any origin (the hub itself, a Secret, OCM), without a way in. */
export interface VirtualCluster extends KubeObject {
  readonly spec: {
    readonly alias?: string;
    readonly accepted?: boolean;
    readonly endpoint?: string;
    readonly "credential-type"?: string;
  };
}

export const virtualClusters = {
  group: clusterGatewayGroup,
  version: clusterGatewayVersion,
  plural: "virtualclusters",
  kind: "VirtualCluster",
  namespaced: false,
} as const satisfies ResourceType<VirtualCluster>;
