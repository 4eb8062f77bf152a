import { fieldsOf, headerValues, type RawHeaders } from "./raw-headers.ts";

/** What the caller of the proxy decides about header fields, beyond what every proxy must do. */
export interface HeaderPolicy {
  /**
   * Whether a field stops here, by its lower-case name. Defaults to {@link isIdentityHeader} for
   * requests and to nothing for responses.
   */
  readonly isDropped?: (name: string) => boolean;
  /** Changes one value; `undefined` drops the field. */
  readonly rewrite?: (name: string, value: string) => string | undefined;
  /** Fields to set. They replace all that came under the same names. */
  readonly set?: RawHeaders;
}

/** Fields that speak about one connection and never pass a proxy, plus those it writes itself. */
const connectionFields = new Set([
  "connection",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
]);

/**
 * True for the fields by which a caller says who it is. Underscores count as hyphens, since some
 * backends read them so.
 */
export function isIdentityHeader(name: string): boolean {
  const plain = name.includes("_") ? name.replaceAll("_", "-") : name;
  return (
    plain === "authorization" || plain.startsWith("impersonate-") || plain.startsWith("x-remote-")
  );
}

/**
 * The fields of a request for the upstream: none of the inbound connection's own, none that says
 * who the caller is unless the policy set it, the caller's address appended to `x-forwarded-for`.
 * Nothing is added that the caller did not ask for, in particular no `accept-encoding`.
 */
export function forwardRequestHeaders(
  inbound: RawHeaders,
  policy: HeaderPolicy = {},
  clientAddress?: string,
): string[] {
  const isDropped = policy.isDropped ?? isIdentityHeader;
  const forwardedFor: string[] = [];
  const outbound = filter(inbound, { ...policy, isDropped }, (name, value) => {
    if (name === "x-forwarded-for") forwardedFor.push(value);
    return name !== "x-forwarded-for";
  });
  if (wantsTrailers(inbound)) outbound.push("te", "trailers");
  if (clientAddress !== undefined) forwardedFor.push(plainAddress(clientAddress));
  if (forwardedFor.length > 0) outbound.push("x-forwarded-for", forwardedFor.join(", "));
  return outbound;
}

/** The fields of a response, or trailers, for the client. */
export function forwardResponseHeaders(inbound: RawHeaders, policy: HeaderPolicy = {}): string[] {
  return filter(inbound, policy, () => true);
}

function filter(
  inbound: RawHeaders,
  { isDropped = () => false, rewrite = (_name, value) => value, set = [] }: HeaderPolicy,
  isKept: (name: string, value: string) => boolean,
): string[] {
  const stopped = new Set(namedByConnection(inbound));
  for (const [name] of fieldsOf(set)) stopped.add(name);
  const isStopped = (name: string) =>
    name.startsWith(":") || connectionFields.has(name) || stopped.has(name) || isDropped(name);
  const outbound: string[] = [];
  for (const [name, value] of fieldsOf(inbound)) {
    if (isStopped(name) || !isKept(name, value)) continue;
    const rewritten = rewrite(name, value);
    if (rewritten !== undefined) outbound.push(name, rewritten);
  }
  // After the filter: whatever the other side nominated in Connection, ours is sent.
  outbound.push(...set);
  return outbound;
}

function namedByConnection(headers: RawHeaders): readonly string[] {
  return headerValues(headers, "connection")
    .flatMap((value) => value.split(","))
    .map((token) => token.trim().toLowerCase());
}

function wantsTrailers(headers: RawHeaders): boolean {
  return headerValues(headers, "te").some((value) => /\btrailers\b/i.test(value));
}

/** An IPv4 address that arrived on an IPv6 socket, as people write it. */
function plainAddress(address: string): string {
  return address.startsWith("::ffff:") ? address.slice("::ffff:".length) : address;
}
