import { BlockList, isIP } from "node:net";

/** A proxy for outgoing connections, and what a connection to it is verified with. */
export interface OutgoingProxy {
  /** `http:` or `https:`, with the credentials that it asks for. Never to be logged as it is. */
  readonly url: URL;
  /** PEM of the authorities that an `https:` proxy is trusted by, beside the usual ones. */
  readonly readCa?: (() => Promise<string>) | undefined;
}

/** Says which proxy a connection has to take; undefined for none. */
export type ProxyChooser = (host: string, port: number) => OutgoingProxy | undefined;

export interface ProxyRules {
  /** As in `HTTPS_PROXY`; none when empty. Without a scheme it is `http:`. */
  readonly proxy: string;
  /** As in `NO_PROXY`: hosts, domains, addresses and networks, with or without a port. */
  readonly except: string;
  readonly readCa?: OutgoingProxy["readCa"];
}

/** Proxies of the environment, as Go reads it: capitals count before small letters. */
export function proxyRulesOf(
  environment: Readonly<Record<string, string | undefined>>,
): Pick<ProxyRules, "proxy" | "except"> {
  const read = (name: string): string => environment[name] || environment[name.toLowerCase()] || "";
  return { proxy: read("HTTPS_PROXY"), except: read("NO_PROXY") };
}

/**
 * Chooses by rules, with Go's meaning of them: this machine is never reached by a proxy, `*` means
 * no proxy at all, `a.example` is also all below it, `.a.example` only what is below it. Throws a
 * `RangeError` that names the variable when one of them cannot be used.
 */
export function createProxyChooser({ proxy, except, readCa }: ProxyRules): ProxyChooser {
  if (proxy.trim() === "") return () => undefined;
  const url = parseProxy(proxy.trim());
  const exceptions = except
    .split(",")
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== "")
    .map(parseException);
  return (host, port) => {
    const target = { host: host.toLowerCase().replace(/\.$/, ""), port };
    const isDirect = isThisMachine(target.host) || exceptions.some((matches) => matches(target));
    return isDirect ? undefined : { url, readCa };
  };
}

function parseProxy(text: string): URL {
  const withScheme = text.includes("://") ? text : `http://${text}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined;
  if (url !== undefined && ["http:", "https:"].includes(url.protocol)) return url;
  // The text may hold a password.
  throw new RangeError(
    "Cannot use HTTPS_PROXY: expected http://[user:password@]host:port or https://…",
  );
}

interface Target {
  readonly host: string;
  readonly port: number;
}

type Exception = (target: Target) => boolean;

function parseException(entry: string): Exception {
  if (entry === "*") return () => true;
  if (entry.includes("/")) return parseNetwork(entry);
  const { host, port } = splitPort(entry);
  const isPort = (target: Target): boolean => port === undefined || port === target.port;
  if (isIP(host) !== 0) return (target) => isPort(target) && isSameAddress(host, target.host);
  const domain = host.replace(/^\*?\./, "");
  const isBelowOnly = domain !== host;
  return (target) =>
    isPort(target) &&
    (target.host.endsWith(`.${domain}`) || (!isBelowOnly && target.host === domain));
}

function parseNetwork(entry: string): Exception {
  const [address = "", bits = ""] = entry.split("/");
  const family = isIP(address);
  const length = Number(bits);
  const isValid = family !== 0 && /^\d{1,3}$/.test(bits) && length <= (family === 4 ? 32 : 128);
  if (!isValid) throw new RangeError(`Cannot use NO_PROXY: "${entry}" is no network`);
  const list = new BlockList();
  list.addSubnet(address, length, family === 4 ? "ipv4" : "ipv6");
  return ({ host }) => isIP(host) !== 0 && list.check(host, isIP(host) === 4 ? "ipv4" : "ipv6");
}

function isSameAddress(one: string, other: string): boolean {
  if (isIP(other) === 0) return false;
  const list = new BlockList();
  list.addAddress(one, isIP(one) === 4 ? "ipv4" : "ipv6");
  return list.check(other, isIP(other) === 4 ? "ipv4" : "ipv6");
}

/** `[::1]:443`, `a:443`, `::1` or `a`. */
function splitPort(entry: string): { readonly host: string; readonly port: number | undefined } {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(entry) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined) return { host: entry, port: undefined };
  return { host, port: digits === undefined ? undefined : Number(digits) };
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

function isThisMachine(host: string): boolean {
  if (host === "localhost") return true;
  return isIP(host) !== 0 && loopback.check(host, isIP(host) === 4 ? "ipv4" : "ipv6");
}
