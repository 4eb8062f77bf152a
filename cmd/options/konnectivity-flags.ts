import { type Flag, type FlagValues, UsageError } from "./flags.ts";
import { klogFlags } from "./unsupported.ts";

/** Flags that konnectivity's server and agent have in common, with one meaning and one default. */
export const konnectivityFlags = {
  "enable-profiling": {
    type: "boolean",
    default: false,
    help: "Serve V8 profiles on the admin port: /debug/pprof/profile?seconds=30, /debug/pprof/heap",
  },
  "enable-contention-profiling": {
    type: "boolean",
    default: false,
    help: "Accepted: there are no locks to profile",
  },
  "kube-api-content-type": {
    type: "string",
    default: "application/vnd.kubernetes.protobuf",
    help: "Accepted: JSON is spoken",
  },
  ...klogFlags,
} as const satisfies Readonly<Record<string, Flag>>;

type Profiling = Pick<
  FlagValues<typeof konnectivityFlags>,
  "enable-profiling" | "enable-contention-profiling"
>;

/** Throws a UsageError in upstream's words. */
export function checkProfiling(values: Profiling): void {
  if (!values["enable-contention-profiling"] || values["enable-profiling"]) return;
  throw new UsageError(
    "if --enable-contention-profiling is set, --enable-profiling must also be set",
  );
}
