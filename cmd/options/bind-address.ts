import { UsageError } from "./flags.ts";

/** Where to listen; without a host on all addresses. */
export interface BindAddress {
  readonly host?: string;
  readonly port: number;
}

/**
 * Reads `:8080`, `127.0.0.1:8080` or `[::1]:8080`; `0` and the empty text mean not to listen.
 * Throws a {@link UsageError} that names the flag for anything else.
 */
export function parseBindAddress(flag: string, text: string): BindAddress | undefined {
  if (text === "" || text === "0") return undefined;
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d+)$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port < 1 || port > 65_535) {
    throw new UsageError(`Cannot use --${flag}=${text}: not an address such as :8080`);
  }
  const host = match[1] ?? match[2] ?? "";
  return host === "" ? { port } : { host, port };
}
