import type { ClusterGatewayLayout, ManagedCluster, ObjectMeta, Secret } from "#api";

/** What the hub keeps of one cluster, wherever it keeps it: found, but not judged yet. */
export interface ClusterSource {
  readonly layout: ClusterGatewayLayout;
  readonly name: string;
  /** What the ClusterGateway's metadata comes from. */
  readonly metadata: ObjectMeta;
  /** Credential and CA and, without a ManagedCluster, the address. */
  readonly secret: Secret;
  readonly managedCluster: ManagedCluster | undefined;
  /** As they are written there, maybe of no type that exists. */
  readonly credentialType: string;
  readonly endpointType: string;
  readonly proxyUrl: string;
  readonly healthy: string | undefined;
  readonly healthyReason: string | undefined;
  readonly proxyConfiguration: string | undefined;
}

/** What is found under a name. */
export type FoundSource =
  | { readonly kind: "found"; readonly source: ClusterSource }
  /** The hub has such a cluster, but not what leads to it yet. */
  | { readonly kind: "pending"; readonly why: string }
  | { readonly kind: "unknown" };

/** The verdict of whoever probes a cluster. */
export interface Health {
  readonly healthy: boolean;
  readonly healthyReason: string;
}

/** How to write. */
export interface HealthWrite {
  readonly isDryRun: boolean;
  readonly signal: AbortSignal;
}

/** Where clusters are kept on the hub: the one place that knows of which objects they are made. */
export interface ClusterOrigin {
  readonly layout: ClusterGatewayLayout;
  find(name: string): FoundSource;
  /**
   * Calls back with the name of a cluster of which something changed. Versions of ClusterGateways
   * are those of Secrets: `isOfSecret` says whether it was one.
   */
  onChange(listener: (name: string, isOfSecret: boolean) => void): void;
  /** The version of the Secrets, up to which all is known. */
  version(): string;
  /** Why nothing can be said yet, or `undefined`. */
  reasonNotReady(): string | undefined;
  /** `namespace/name` of the Secret of a cluster, for those who have to look at it. */
  placeOf(name: string): string;
  /**
   * Notes the verdict on a cluster, unless somebody else just has. Answers the resulting version of
   * the Secret, or `undefined` when it is not kept there. Rejects with a GatewayError.
   */
  keepHealth(name: string, health: Health, request: HealthWrite): Promise<string | undefined>;
}
