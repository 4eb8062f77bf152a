import { type Flag, type FlagValues, UsageError } from "./flags.ts";

/**
 * Refuses flags of the Go programs that we read and cannot honour: to ignore one would be to do
 * something else than what was asked for. Defaults pass.
 */
export function refuseUnsupported<const Flags extends Readonly<Record<string, Flag>>>(
  flags: Flags,
  values: FlagValues<Flags>,
  reasons: { readonly [Name in keyof Flags]?: string },
): void {
  for (const [name, reason] of Object.entries(reasons)) {
    const value = (values as Readonly<Record<string, unknown>>)[name];
    const standard = flags[name]?.default;
    if (String(value) === String(standard)) continue;
    throw new UsageError(`Cannot use --${name}=${String(value)}: ${String(reason)}`);
  }
}

/** Flags of the Go programs' logging library. Ours writes JSON lines to standard output. */
export const klogFlags = {
  logtostderr: { type: "boolean", default: true, help: "Accepted: logs go to standard output" },
  alsologtostderr: { type: "boolean", default: false, help: "Not supported" },
  "log-dir": { type: "string", default: "", help: "Not supported" },
  "log-file": { type: "string", default: "", help: "Not supported" },
  "log-file-max-size": { type: "int", default: 1800, help: "Not supported" },
  "add-dir-header": { type: "boolean", default: false, help: "Not supported" },
  "skip-headers": { type: "boolean", default: false, help: "Not supported" },
  "skip-log-headers": { type: "boolean", default: false, help: "Not supported" },
  "one-output": { type: "boolean", default: false, help: "Not supported" },
  alsologtostderrthreshold: { type: "string", default: "", help: "Accepted without effect" },
  "legacy-stderr-threshold-behavior": {
    type: "boolean",
    default: true,
    help: "Accepted without effect",
  },
  stderrthreshold: { type: "string", default: "2", help: "Accepted without effect" },
  vmodule: { type: "string", default: "", help: "Not supported" },
  "log-backtrace-at": { type: "string", default: "", help: "Not supported" },
} as const satisfies Readonly<Record<string, Flag>>;

const noLogFiles = "logs go to standard output, as JSON lines";

export const klogReasons = {
  alsologtostderr: noLogFiles,
  "log-dir": noLogFiles,
  "log-file": noLogFiles,
  "log-file-max-size": noLogFiles,
  "add-dir-header": noLogFiles,
  "skip-headers": noLogFiles,
  "skip-log-headers": noLogFiles,
  "one-output": noLogFiles,
  vmodule: "use --v",
  "log-backtrace-at": "use --v",
} as const;
