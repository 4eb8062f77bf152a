import { fieldsOf, headerValues, type RawHeaders } from "#proxy";
import { GatewayError } from "../answers/gateway-error.ts";
import { textOfField, unescapeKey } from "../identity/header-text.ts";
import type { Trust } from "./trust.ts";
import { type User, withAuthenticated } from "./user.ts";

/**
 * The user that a front proxy vouches for, or `undefined` when it names none. Only to be asked for
 * a connection that has proved to be the front proxy. Throws a GatewayError `unauthenticated` for
 * more than one name or uid, and for what is no UTF-8.
 */
export function vouchedUser(headers: RawHeaders, trust: Trust): User | undefined {
  const name = single(headers, trust.userHeaders);
  if (name === undefined) return undefined;
  const groups = trust.groupHeaders.flatMap((header) => headerValues(headers, header));
  const uid = single(headers, trust.uidHeaders);
  return {
    name,
    groups: withAuthenticated(name, groups.map(textOf)),
    extra: extraOf(headers, trust.extraPrefixes),
    ...(uid === undefined ? {} : { uid }),
  };
}

/** The value of the first of some fields that has one. Two values were not both the proxy's. */
function single(headers: RawHeaders, names: readonly string[]): string | undefined {
  for (const name of names) {
    const [value = "", ...others] = headerValues(headers, name);
    if (others.length > 0) throw unclear(`${name} came more than once`);
    if (value !== "") return textOf(value);
  }
  return undefined;
}

function extraOf(
  headers: RawHeaders,
  prefixes: readonly string[],
): Readonly<Record<string, readonly string[]>> {
  const extra: Record<string, string[]> = {};
  for (const [name, value] of fieldsOf(headers)) {
    const prefix = prefixes.find((candidate) => name.startsWith(candidate));
    if (prefix === undefined) continue;
    (extra[unescapeKey(name.slice(prefix.length))] ??= []).push(textOf(value));
  }
  return extra;
}

function textOf(value: string): string {
  const text = textOfField(value);
  if (text === undefined) throw unclear("a name is no UTF-8");
  return text;
}

function unclear(why: string): GatewayError {
  return new GatewayError("unauthenticated", `Cannot authenticate request: ${why}`);
}
