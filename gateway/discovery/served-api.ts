import type { ClusterGatewayLayout } from "#api";

/** What of our group is served, which all documents tell of. */
export interface ServedApi {
  readonly layout: ClusterGatewayLayout;
  /** Whether ClusterGateways can be created, changed and deleted. */
  readonly isWritable: boolean;
}
