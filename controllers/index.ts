export {
  type AddonMetrics,
  type ControllerDeps,
  createAddonMetrics,
  type Part,
} from "./addon/addon.ts";
export { type ClusterProxyOptions, createClusterProxy } from "./cluster-proxy/index.ts";
export {
  createManagedServiceAccount,
  type ManagedServiceAccountOptions,
} from "./managed-serviceaccount/index.ts";
