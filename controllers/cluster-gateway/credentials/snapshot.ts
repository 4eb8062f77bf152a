import type { ClusterGatewayConfigurationSpec, KubeObject, Secret } from "#api";

/** All that is known about the gateway's credential for one cluster. */
export interface Snapshot {
  readonly cluster: string;
  /** The cluster-gateway addon on that cluster; undefined when it is not there, or going. */
  readonly addon: KubeObject | undefined;
  readonly configuration: KubeObject;
  readonly spec: ClusterGatewayConfigurationSpec;
  /** The ManagedServiceAccount that brings the token. */
  readonly account: KubeObject | undefined;
  /** Its Secret on the hub. */
  readonly token: Secret | undefined;
  /** What the gateway reads. */
  readonly credential: Secret | undefined;
}
