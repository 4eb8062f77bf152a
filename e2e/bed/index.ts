export { BedError, type BedErrorCode } from "./bed-error.ts";
export { ChildProgram } from "./child-program.ts";
export { type ApiAnswer, type ApiRequest, ClusterApi } from "./cluster-api.ts";
export { applyManifests, type ClusterHandle, kubectl } from "./cluster-handle.ts";
export { type CommandOptions, type CommandResult, runCommand, tryCommand } from "./command.ts";
export { at, conditionStatus } from "./conditions.ts";
export {
  containerPids,
  cutCluster,
  execOn,
  healCluster,
  killContainer,
  restartProgram,
} from "./full/faults.ts";
export { type FullBed, findFullBed } from "./full/full-bed.ts";
export type { FullCluster } from "./full/full-cluster.ts";
export { bedImages } from "./images/names.ts";
export type { AddonVersions } from "./ocm/crds.ts";
export { ocmNames } from "./ocm/names.ts";
export { findFreePorts } from "./process/ports.ts";
export {
  ProcessCluster,
  type ProcessClusterOptions,
  startProcessCluster,
} from "./process/process-cluster.ts";
export { type OcmOptions, startOcm } from "./process/process-ocm.ts";
export { benchTools, clientTools, konnectivityTools } from "./tool-modules.ts";
export { findTools, type Tools } from "./toolchain.ts";
export { isTorture } from "./torture.ts";
export { type WaitOptions, waitFor } from "./wait.ts";
