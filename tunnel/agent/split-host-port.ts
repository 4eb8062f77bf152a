export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** No name or address has spaces or control characters in it. */
const unspeakable = /[\s\p{Cc}]/u;

/** Splits `host:port` as Go does; the text of Go's error when it cannot. */
export function splitHostPort(address: string): HostPort | string {
  const at = address.lastIndexOf(":");
  if (at === -1) return `dial tcp: address ${address}: missing port in address`;
  const [hostPart, portPart] = [address.slice(0, at), address.slice(at + 1)];
  const bracketed = /^\[([^[\]]*)\]$/.exec(hostPart)?.[1];
  if (bracketed === undefined && hostPart.includes(":")) {
    return `dial tcp: address ${address}: too many colons in address`;
  }
  const port = Number(portPart);
  if (!/^\d+$/.test(portPart)) return `dial tcp: lookup tcp/${portPart}: unknown port`;
  if (port > 65_535) return `dial tcp: address ${portPart}: invalid port`;
  const host = bracketed ?? hostPart;
  // Node throws at some of these instead of reporting them.
  if (unspeakable.test(host)) return `dial tcp: lookup ${JSON.stringify(host)}: no such host`;
  return { host, port };
}
