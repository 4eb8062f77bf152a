import { BlockList, isIP } from "node:net";
import type { DialPolicy } from "./dial-target.ts";

/** What an agent connects to. */
export interface DialRules {
  /** Networks, as `10.0.0.0/8` or a single address, that are refused. */
  readonly refusedNetworks: readonly string[];
  /** Networks that are allowed all the same. */
  readonly allowedNetworks: readonly string[];
  /** Ports and ranges, as `443` or `8000-8100`. None at all means any port. */
  readonly allowedPorts: readonly string[];
}

/**
 * What no frontend has business with unless somebody says so: the agent's own pod and node, and the
 * addresses under which clouds hand out a machine's credentials.
 */
export const refusedByDefault: readonly string[] = [
  "0.0.0.0/8",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "224.0.0.0/4",
  "100.100.100.200",
  "192.0.0.192",
  "::",
  "::1",
  "fe80::/10",
  "ff00::/8",
  "fd00:ec2::254",
];

/** Makes a policy of rules. Throws a RangeError for a rule that cannot be read. */
export function createDialPolicy(rules: DialRules): DialPolicy {
  const refused = networks(rules.refusedNetworks);
  const allowed = networks(rules.allowedNetworks);
  const ports = rules.allowedPorts.map(portRange);
  return ({ ip, port }) => {
    if (ports.length > 0 && !ports.some(([from, to]) => from <= port && port <= to)) {
      return `port ${port} is not allowed by the agent`;
    }
    const family = isIP(ip) === 6 ? "ipv6" : "ipv4";
    const isRefused = refused.check(ip, family) && !allowed.check(ip, family);
    return isRefused ? `address ${ip} is not allowed by the agent` : undefined;
  };
}

/** Node checks IPv4 addresses in IPv6 form against the IPv4 networks. */
function networks(texts: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of texts) {
    const [address = "", prefix] = text.split("/");
    const version = isIP(address);
    const bits = version === 6 ? 128 : 32;
    const length = prefix === undefined ? bits : wholeNumber(prefix);
    if (version === 0 || length === undefined || length > bits) {
      throw new RangeError(`"${text}" is not a network such as 10.0.0.0/8`);
    }
    list.addSubnet(address, length, version === 6 ? "ipv6" : "ipv4");
  }
  return list;
}

function portRange(text: string): readonly [from: number, to: number] {
  const [first = "", last = first, ...rest] = text.split("-");
  const [from, to] = [wholeNumber(first), wholeNumber(last)];
  const isRange = from !== undefined && to !== undefined && from <= to && to <= 65_535;
  if (!isRange || rest.length > 0) {
    throw new RangeError(`"${text}" is not a port or a range such as 8000-8100`);
  }
  return [from, to];
}

function wholeNumber(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
