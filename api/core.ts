import type { KubeObject } from "./object-meta.ts";
import type { ResourceType } from "./resource.ts";

/** Kubernetes' own kinds that we touch; their shapes are what we read of them. */
export interface Secret extends KubeObject {
  readonly type?: string;
  /** Base64, as on the wire. */
  readonly data?: Readonly<Record<string, string>>;
}

export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
}

export interface Pod extends KubeObject {
  readonly status?: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

export interface Deployment extends KubeObject {
  readonly spec?: { readonly replicas?: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly readyReplicas?: number;
    readonly availableReplicas?: number;
  };
}

export interface Lease extends KubeObject {
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

export interface CertificateSigningRequest extends KubeObject {
  readonly spec: {
    /** Base64 of the PEM. */
    readonly request: string;
    readonly signerName: string;
    readonly usages?: readonly string[];
    readonly username?: string;
    readonly groups?: readonly string[];
    readonly expirationSeconds?: number;
  };
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status?: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
    readonly certificate?: string;
  };
}

/** Addresses of a Service's pods. */
export interface EndpointSlice extends KubeObject {
  readonly endpoints?: readonly {
    readonly addresses: readonly string[];
    readonly conditions?: { readonly ready?: boolean; readonly serving?: boolean };
  }[];
  readonly ports?: readonly { readonly name?: string; readonly port?: number }[];
}

/** The registration of an aggregated API. */
export interface ApiService extends KubeObject {
  readonly spec?: {
    readonly service?: {
      readonly namespace: string;
      readonly name: string;
      readonly port?: number;
    };
    /** Base64 of PEM. */
    readonly caBundle?: string;
  };
}

function core<Object extends KubeObject = KubeObject>(
  plural: string,
  kind: string,
  namespaced = true,
): ResourceType<Object> {
  return { group: "", version: "v1", plural, kind, namespaced };
}

function grouped<Object extends KubeObject = KubeObject>(
  group: string,
  plural: string,
  kind: string,
  namespaced = true,
): ResourceType<Object> {
  return { group, version: "v1", plural, kind, namespaced };
}

export const secrets = core<Secret>("secrets", "Secret");
export const configMaps = core<ConfigMap>("configmaps", "ConfigMap");
export const pods = core<Pod>("pods", "Pod");
export const services = core("services", "Service");
export const serviceAccounts = core("serviceaccounts", "ServiceAccount");
export const namespaces = core("namespaces", "Namespace", false);
export const deployments = grouped<Deployment>("apps", "deployments", "Deployment");
export const podDisruptionBudgets = grouped(
  "policy",
  "poddisruptionbudgets",
  "PodDisruptionBudget",
);
export const endpointSlices = grouped<EndpointSlice>(
  "discovery.k8s.io",
  "endpointslices",
  "EndpointSlice",
);
export const leases = grouped<Lease>("coordination.k8s.io", "leases", "Lease");
export const certificateSigningRequests = grouped<CertificateSigningRequest>(
  "certificates.k8s.io",
  "certificatesigningrequests",
  "CertificateSigningRequest",
  false,
);
export const apiServices = grouped<ApiService>(
  "apiregistration.k8s.io",
  "apiservices",
  "APIService",
  false,
);
export const tokenReviews = grouped("authentication.k8s.io", "tokenreviews", "TokenReview", false);
export const subjectAccessReviews = grouped(
  "authorization.k8s.io",
  "subjectaccessreviews",
  "SubjectAccessReview",
  false,
);

const rbac = "rbac.authorization.k8s.io";
export const roles = grouped(rbac, "roles", "Role");
export const roleBindings = grouped(rbac, "rolebindings", "RoleBinding");
export const clusterRoles = grouped(rbac, "clusterroles", "ClusterRole", false);
export const clusterRoleBindings = grouped(
  rbac,
  "clusterrolebindings",
  "ClusterRoleBinding",
  false,
);
