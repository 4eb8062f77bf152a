import { UsageError } from "./flags.ts";

/**
 * Reads `Name=true,Other=false`, as `--feature-gates` has it: every known gate with its value.
 * `AllAlpha` and `AllBeta` set all that are not named. Throws a {@link UsageError} for an unknown
 * gate or a value that is not true or false.
 */
export function parseFeatureGates<Name extends string>(
  given: readonly string[],
  defaults: Readonly<Record<Name, boolean>>,
): Readonly<Record<Name, boolean>> {
  const known = Object.keys(defaults) as Name[];
  const named = given.map(readGate);
  const unknown = named.find(([name]) => !known.includes(name as Name) && !isGroup(name));
  if (unknown !== undefined) {
    throw new UsageError(`Cannot use --feature-gates=${unknown[0]}: known are ${known.join(", ")}`);
  }
  const values = new Map(named);
  const all = values.get("AllAlpha") ?? values.get("AllBeta");
  return Object.fromEntries(
    known.map((name) => [name, values.get(name) ?? all ?? defaults[name]]),
  ) as Record<Name, boolean>;
}

function readGate(text: string): readonly [name: string, value: boolean] {
  const [name = "", value = ""] = text.trim().split("=");
  if (/^(true|t|1)$/i.test(value)) return [name, true];
  if (/^(false|f|0)$/i.test(value)) return [name, false];
  throw new UsageError(`Cannot use --feature-gates=${text}: expected Name=true or Name=false`);
}

function isGroup(name: string): boolean {
  return name === "AllAlpha" || name === "AllBeta";
}
