import type { AddOnDeploymentConfig } from "#api";
import { TerminalError } from "#runtime";

/** The value of one of the configuration's variables; undefined when it is not given. */
export function variable(
  config: AddOnDeploymentConfig | undefined,
  name: string,
): string | undefined {
  return config?.spec.customizedVariables?.find((entry) => entry.name === name)?.value;
}

/** The same as a whole number. Throws a `TerminalError` that quotes what is none. */
export function wholeNumberVariable(
  config: AddOnDeploymentConfig | undefined,
  name: string,
): number | undefined {
  const text = variable(config, name);
  if (text === undefined) return undefined;
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new TerminalError(`Cannot use variable ${name} "${text}": expected a whole number`);
}
