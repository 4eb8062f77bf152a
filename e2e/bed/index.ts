export { BedError, type BedErrorCode } from "./bed-error.ts";
export type { AddonVersions } from "./ocm/crds.ts";
export { ocmNames } from "./ocm/names.ts";
export {
  ProcessCluster,
  type ProcessClusterOptions,
  startProcessCluster,
} from "./process/process-cluster.ts";
export { type OcmOptions, startOcm } from "./process/process-ocm.ts";
export { konnectivityTools } from "./tool-modules.ts";
export { findTools, type Tools } from "./toolchain.ts";
export { type WaitOptions, waitFor } from "./wait.ts";
