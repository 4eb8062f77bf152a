export {
  type AddonMetrics,
  type ControllerDeps,
  createAddonMetrics,
  type Part,
} from "./addon/addon.ts";
export { type ClusterGatewayOptions, createClusterGateway } from "./cluster-gateway/index.ts";
export { type ClusterProxyOptions, createClusterProxy } from "./cluster-proxy/index.ts";
export {
  createManagedServiceAccount,
  type DeployMode,
  type ManagedServiceAccountOptions,
} from "./managed-serviceaccount/index.ts";
