import { parseArgs } from "node:util";
import { parseGoDuration } from "#runtime";

interface FlagBase {
  /** One line for `--help`, without a full stop. */
  readonly help: string;
}

/** How one flag is read. `list` is comma-separated; `duration` is Go's form, read as milliseconds. */
export type Flag = FlagBase &
  (
    | { readonly type: "string"; readonly default: string }
    | { readonly type: "int"; readonly default: number }
    | { readonly type: "boolean"; readonly default: boolean }
    | { readonly type: "duration"; readonly default: string }
    | { readonly type: "list"; readonly default: readonly string[] }
  );

interface FlagValue {
  readonly string: string;
  readonly int: number;
  readonly boolean: boolean;
  readonly duration: number;
  readonly list: readonly string[];
}

export type FlagValues<Flags extends Readonly<Record<string, Flag>>> = {
  readonly [Name in keyof Flags]: FlagValue[Flags[Name]["type"]];
};

/** The command line cannot be used; `message` says which flag and why. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/**
 * Reads a command line against a table of flags: `--name=value`, `--name value`, and for booleans
 * `--name` and `--name=false`. Underscores in names count as hyphens, as the Go programs do.
 *
 * Throws a {@link UsageError} for an unknown flag, a value of the wrong form, or a stray argument.
 */
export function parseFlags<const Flags extends Readonly<Record<string, Flag>>>(
  flags: Flags,
  argv: readonly string[],
): FlagValues<Flags> {
  const given = readGiven(flags, argv);
  return Object.fromEntries(
    Object.entries(flags).map(([name, flag]) => [name, readValue(name, flag, given[name])]),
  ) as FlagValues<Flags>;
}

function readGiven(
  flags: Readonly<Record<string, Flag>>,
  argv: readonly string[],
): Readonly<Record<string, string>> {
  const names = Object.entries(flags);
  try {
    const { values } = parseArgs({
      args: argv.map((arg) => normalize(flags, arg)),
      options: Object.fromEntries(names.map(([name]) => [name, { type: "string" as const }])),
      strict: true,
      allowPositionals: false,
    });
    return values as Readonly<Record<string, string>>;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : "Cannot read arguments");
  }
}

function normalize(flags: Readonly<Record<string, Flag>>, arg: string): string {
  if (!arg.startsWith("--")) return arg;
  const [name = "", ...rest] = arg.slice(2).split("=");
  const known = name.replaceAll("_", "-");
  if (rest.length > 0) return `--${known}=${rest.join("=")}`;
  return flags[known]?.type === "boolean" ? `--${known}=true` : `--${known}`;
}

function readValue(name: string, flag: Flag, given: string | undefined): unknown {
  if (given === undefined) {
    return flag.type === "duration" ? readDuration(name, flag.default) : flag.default;
  }
  switch (flag.type) {
    case "string":
      return given;
    case "int":
      return readInt(name, given);
    case "boolean":
      return readBoolean(name, given);
    case "duration":
      return readDuration(name, given);
    case "list":
      return given.split(",").filter((item) => item !== "");
  }
}

function readInt(name: string, text: string): number {
  if (!/^-?\d+$/.test(text))
    throw new UsageError(`Cannot use --${name}=${text}: not a whole number`);
  return Number(text);
}

function readBoolean(name: string, text: string): boolean {
  if (["true", "1", "t", "T", "TRUE", "True"].includes(text)) return true;
  if (["false", "0", "f", "F", "FALSE", "False"].includes(text)) return false;
  throw new UsageError(`Cannot use --${name}=${text}: not true or false`);
}

function readDuration(name: string, text: string): number {
  try {
    return parseGoDuration(text);
  } catch (error) {
    throw new UsageError(`Cannot use --${name}=${text}: not a duration such as 30s`, {
      cause: error,
    });
  }
}

/** The `--help` text of a process: what it is, then a line for each flag with its default. */
export function helpText(
  usage: string,
  summary: string,
  flags: Readonly<Record<string, Flag>>,
): string {
  const lines = Object.entries(flags).map(([name, flag]) => {
    const shown = Array.isArray(flag.default) ? flag.default.join(",") : String(flag.default);
    const suffix = shown === "" ? "" : ` (default ${shown})`;
    return `  --${name} ${flag.type}\n        ${flag.help}${suffix}`;
  });
  return `${summary}\n\nUsage: ${usage} [flags]\n\nFlags:\n${lines.join("\n")}\n`;
}
