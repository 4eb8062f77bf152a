import { TunnelError } from "../tunnel-error.ts";

/** What an agent says it can reach: its `agentIdentifiers` header. */
export interface AgentIdentifiers {
  readonly hosts: readonly string[];
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
  readonly cidrs: readonly string[];
  readonly isDefaultRoute: boolean;
}

const knownKeys = new Set(["host", "ipv4", "ipv6", "cidr", "default-route"]);
const goTrue = new Set(["1", "t", "T", "TRUE", "true", "True"]);

/**
 * Reads a query string as Go does. Keys that this version does not know are ignored.
 *
 * Throws a TunnelError when it is none.
 */
export function parseIdentifiers(query: string): AgentIdentifiers {
  const values = parseQuery(query);
  const of = (key: string) => values.flatMap(([name, value]) => (name === key ? [value] : []));
  return {
    hosts: of("host"),
    ipv4: of("ipv4"),
    ipv6: of("ipv6"),
    cidrs: of("cidr"),
    isDefaultRoute: goTrue.has(of("default-route")[0] ?? ""),
  };
}

/** The keys of a query string that no server would understand. */
export function unknownIdentifiers(query: string): readonly string[] {
  return parseQuery(query).flatMap(([name]) => (knownKeys.has(name) ? [] : [name]));
}

function parseQuery(query: string): readonly (readonly [name: string, value: string])[] {
  return query
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      if (pair.includes(";")) throw unreadable("invalid semicolon separator in query");
      const at = pair.indexOf("=");
      const [name, value] = at === -1 ? [pair, ""] : [pair.slice(0, at), pair.slice(at + 1)];
      return [unescapeQuery(name), unescapeQuery(value)] as const;
    });
}

function unescapeQuery(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw unreadable(`invalid URL escape in "${text}"`);
  }
}

function unreadable(why: string): TunnelError {
  return new TunnelError("protocol", `fail to parse url encoded string: ${why}`);
}
