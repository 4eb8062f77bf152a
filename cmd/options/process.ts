import {
  createLogger,
  describeError,
  type Logger,
  type LogLevel,
  type Runnable,
  runAll,
} from "#runtime";
import { type Flag, type FlagValues, helpText, parseFlags, UsageError } from "./flags.ts";
import { ownSlot } from "./workers.ts";

const logFlags = {
  v: { type: "int", default: 2, help: "Verbosity: 4 and more also writes debug lines" },
} as const satisfies Readonly<Record<string, Flag>>;

export interface ProcessOptions<Flags extends Readonly<Record<string, Flag>>> {
  /** As it is typed, e.g. `agent tunnel`; also the `process` field of every log line. */
  readonly name: string;
  readonly summary: string;
  readonly flags: Flags;
  /** Builds all that runs. Throws a {@link UsageError} when the flags do not fit together. */
  readonly build: (
    values: FlagValues<Flags>,
    log: Logger,
    signal: AbortSignal,
  ) => Promise<readonly Runnable[]> | readonly Runnable[];
}

/**
 * What every process does: read, build, run, leave.
 *
 * The first SIGTERM or SIGINT asks it to wind down, a second ends it at once. Returns the exit
 * code: 0 when it was asked to stop, 1 when it failed, 2 when the command line cannot be used.
 */
export async function runProcess<const Flags extends Readonly<Record<string, Flag>>>(
  options: ProcessOptions<Flags>,
  argv: readonly string[],
): Promise<number> {
  const flags = { ...options.flags, ...logFlags };
  if (argv.includes("--help") || argv.includes("-h")) {
    process.stdout.write(helpText(options.name, options.summary, flags));
    return 0;
  }
  try {
    const values = parseFlags(flags, argv);
    const level: LogLevel = values.v >= 4 ? "debug" : "info";
    return await supervise(options, values, level);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${options.name}: ${error.message}\nTry '${options.name} --help'.\n`);
    return 2;
  }
}

async function supervise<Flags extends Readonly<Record<string, Flag>>>(
  { name, build }: ProcessOptions<Flags>,
  values: FlagValues<Flags>,
  level: LogLevel,
): Promise<number> {
  const worker = ownSlot();
  const fields = { process: name, ...(worker !== undefined && { worker }) };
  const log = createLogger({ sink: process.stdout, level, fields });
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => {
      log.info("Stopping", { signal });
      stop.abort();
    });
  }
  try {
    log.info("Starting", { version: process.version });
    await runAll(await build(values, log, stop.signal), stop.signal);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    log.error("Process failed", { error: describeError(error) });
    return 1;
  }
}
