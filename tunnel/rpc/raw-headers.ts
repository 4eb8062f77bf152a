import type { IncomingHttpHeaders } from "node:http2";

/** Paths of the streams that only our own ends open, beside those of gRPC. */
export const rawPaths = {
  /** A frontend opens it for one connection. */
  proxy: "/spokeway.TunnelService/Proxy",
  /** An agent opens it for one connection. */
  carry: "/spokeway.TunnelService/Carry",
} as const;

/** Headers of those streams. */
export const rawHeaders = {
  /** Frontend: the address to dial. */
  address: "spokeway-address",
  /** Agent: the dial that this stream answers. */
  dialId: "spokeway-dial",
  connectionId: "spokeway-connection",
  /** Agent: how much early data it has taken; the rest comes over this stream. */
  earlyBytes: "spokeway-early",
  /** Server: each direction can end alone, all the way to the target. */
  halfClose: "spokeway-half-close",
  /** Server: which of its backends, by its reports, has the connection. */
  backend: "spokeway-backend",
  /** Server, in place of a connection id: why the dial failed. */
  error: "spokeway-error",
} as const;

/** Any text as a header's value. Not empty, so that nobody on the way drops it. */
export function writeText(text: string): string {
  return `=${encodeURIComponent(text)}`;
}

/** The text of a header that {@link writeText} made; `undefined` for any other. */
export function readText(value: string | readonly string[] | undefined): string | undefined {
  if (typeof value !== "string" || !value.startsWith("=")) return undefined;
  try {
    return decodeURIComponent(value.slice(1));
  } catch {
    return undefined;
  }
}

/** An id from a header; 0 for anything that is none. */
export function readId(headers: IncomingHttpHeaders, name: string): bigint {
  const value = headers[name];
  return typeof value === "string" && /^[1-9][0-9]{0,18}$/u.test(value) ? BigInt(value) : 0n;
}
