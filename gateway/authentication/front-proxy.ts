import { fieldsOf, headerValue, headerValues, type RawHeaders } from "#proxy";
import type { Trust } from "./trust.ts";
import { authenticatedGroup, type User } from "./user.ts";

/**
 * The user that a front proxy vouches for, or `undefined` when it names none. Only to be asked for
 * a connection that has proved to be the front proxy.
 */
export function vouchedUser(headers: RawHeaders, trust: Trust): User | undefined {
  const name = firstValue(headers, trust.userHeaders);
  if (name === undefined) return undefined;
  const groups = trust.groupHeaders.flatMap((header) => headerValues(headers, header));
  const uid = firstValue(headers, trust.uidHeaders);
  return {
    name,
    groups: groups.includes(authenticatedGroup) ? groups : [...groups, authenticatedGroup],
    extra: extraOf(headers, trust.extraPrefixes),
    ...(uid === undefined ? {} : { uid }),
  };
}

function firstValue(headers: RawHeaders, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = headerValue(headers, name);
    if (value !== undefined && value !== "") return value;
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
    if (prefix !== undefined) (extra[unescape(name.slice(prefix.length))] ??= []).push(value);
  }
  return extra;
}

/** Names of fields cannot hold every character of a key, so API servers escape them. */
function unescape(key: string): string {
  try {
    return decodeURIComponent(key).toLowerCase();
  } catch {
    // Not an escape after all: the API server's own reading of it.
    return key;
  }
}
