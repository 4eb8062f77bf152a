import * as z from "zod";
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

const truths: Readonly<Record<string, boolean>> = {
  ...Object.fromEntries(["1", "t", "T", "TRUE", "true", "True"].map((text) => [text, true])),
  ...Object.fromEntries(["0", "f", "F", "FALSE", "false", "False"].map((text) => [text, false])),
};

/** The same as a truth value, in any of the forms that Go knows. Throws like the others. */
export function booleanVariable(
  config: AddOnDeploymentConfig | undefined,
  name: string,
): boolean | undefined {
  const text = variable(config, name);
  if (text === undefined) return undefined;
  const truth = Object.hasOwn(truths, text) ? truths[text] : undefined;
  if (truth !== undefined) return truth;
  throw new TerminalError(`Cannot use variable ${name} "${text}": expected true or false`);
}

/** The same as a JSON object of texts, such as labels. Throws like the others. */
export function labelsVariable(
  config: AddOnDeploymentConfig | undefined,
  name: string,
): Readonly<Record<string, string>> | undefined {
  const text = variable(config, name);
  if (text === undefined) return undefined;
  try {
    return z.record(z.string(), z.string()).parse(JSON.parse(text));
  } catch (error) {
    const message = `Cannot use variable ${name} "${text}": expected a JSON object of texts`;
    throw new TerminalError(message, { cause: error });
  }
}
