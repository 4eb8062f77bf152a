import type { KubeObject, ResourceType } from "#api";
import { gatewayApi } from "../names.ts";

/** A cluster as the gateway shows it, as far as its health is concerned. */
export interface ClusterGateway extends KubeObject {
  readonly status?: { readonly healthy?: boolean; readonly healthyReason?: string };
}

export const clusterGateways: ResourceType<ClusterGateway> = {
  ...gatewayApi,
  plural: "clustergateways",
  kind: "ClusterGateway",
  namespaced: false,
};
