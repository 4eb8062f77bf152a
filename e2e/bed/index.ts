export { BedError, type BedErrorCode } from "./bed-error.ts";
export {
  ProcessCluster,
  type ProcessClusterOptions,
  startProcessCluster,
} from "./process/process-cluster.ts";
