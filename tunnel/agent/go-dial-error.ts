interface SystemError extends Error {
  readonly code?: string;
  readonly address?: string;
  readonly port?: number;
}

/** What Go says after `dial tcp ADDRESS: `, by the code of Node's error. */
const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connect: connection refused",
  EHOSTUNREACH: "connect: no route to host",
  ENETUNREACH: "connect: network is unreachable",
  ETIMEDOUT: "connect: connection timed out",
  ECONNRESET: "connect: connection reset by peer",
  EACCES: "connect: permission denied",
  EPERM: "connect: operation not permitted",
  EADDRNOTAVAIL: "connect: cannot assign requested address",
  EMFILE: "socket: too many open files",
  ENFILE: "socket: too many open files in system",
  DIAL_TIMEOUT: "i/o timeout",
};

/** What Go says after `dial tcp: lookup HOST: `. */
const lookupReasons: Readonly<Record<string, string>> = {
  ENOTFOUND: "no such host",
  ENODATA: "no such host",
  EAI_AGAIN: "server misbehaving",
};

/**
 * The text that Go's net package has for a failed dial. Callers of konnectivity look for parts of
 * it, such as `connection refused`.
 */
export function goDialError(error: Error, host: string, port: number): string {
  const cause = firstCause(error);
  const { code = "" } = cause;
  const lookupReason = lookupReasons[code];
  if (lookupReason !== undefined) return `dial tcp: lookup ${host}: ${lookupReason}`;
  const address = joinHostPort(cause.address ?? host, cause.port ?? port);
  return `dial tcp ${address}: ${reasons[code] ?? cause.message}`;
}

/** Of several addresses that were tried, Go reports the first. */
function firstCause(error: Error): SystemError {
  const [first] = error instanceof AggregateError ? (error.errors as SystemError[]) : [];
  return first ?? error;
}

function joinHostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
