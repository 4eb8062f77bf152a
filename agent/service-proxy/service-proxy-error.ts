import { failureStatus, type Status } from "#api";
import { type Exchange, ProxyError, type ProxyErrorCode } from "#proxy";
import { describeError } from "#runtime";

/** Every way in which the service proxy itself says no. There are no other codes. */
export type ServiceProxyErrorCode =
  | "bad_request"
  | "unauthenticated"
  | "forbidden"
  | "overloaded"
  | "unreachable"
  | "timeout"
  | "client_gone"
  | "internal";

/** What becomes a `Status`. The message is for whoever asked: what was wanted, and what to do. */
export class ServiceProxyError extends Error {
  override readonly name = "ServiceProxyError";
  readonly code: ServiceProxyErrorCode;

  constructor(code: ServiceProxyErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Total by construction: a new code does not compile until someone decides its treatment. */
const treatments: Readonly<
  Record<ServiceProxyErrorCode, { readonly httpStatus: number; readonly reason: string }>
> = {
  bad_request: { httpStatus: 400, reason: "BadRequest" },
  unauthenticated: { httpStatus: 401, reason: "Unauthorized" },
  forbidden: { httpStatus: 403, reason: "Forbidden" },
  overloaded: { httpStatus: 429, reason: "TooManyRequests" },
  unreachable: { httpStatus: 502, reason: "BadGateway" },
  timeout: { httpStatus: 504, reason: "Timeout" },
  client_gone: { httpStatus: 499, reason: "Unknown" },
  internal: { httpStatus: 500, reason: "InternalError" },
};

/** What is told about each failure of the pipeline. */
const tellings: Readonly<
  Record<ProxyErrorCode, readonly [code: ServiceProxyErrorCode, what: string]>
> = {
  bad_target: ["bad_request", "the path cannot be forwarded"],
  overloaded: ["overloaded", "every connection to it is in use"],
  dial_failed: ["unreachable", "no connection to it"],
  dial_timeout: ["timeout", "connecting to it took too long"],
  tls_failed: ["unreachable", "it broke off the TLS handshake"],
  tls_unverified: [
    "unreachable",
    "its certificate is from no authority that the agent trusts, or has another name",
  ],
  upstream_lost: ["unreachable", "the connection ended before an answer"],
  upstream_refused: ["overloaded", "it refused the request"],
  response_timeout: ["timeout", "it took too long to answer"],
  bad_response: ["unreachable", "it answered with something that is not HTTP"],
  closed: ["unreachable", "its connection settings have just changed"],
  client_gone: ["client_gone", "the client left"],
};

/** What to tell about whatever was caught on the way to `upstream`. */
export function errorTo(upstream: string, reason: unknown): ServiceProxyError {
  if (reason instanceof ServiceProxyError) return reason;
  if (!(reason instanceof ProxyError)) {
    return new ServiceProxyError("internal", "Internal error: see the log of the agent", {
      cause: reason,
    });
  }
  const [code, what] = tellings[reason.code];
  const told = reason.code === "bad_target" ? reason.message : describeCause(reason);
  const message = `Cannot reach ${upstream} on the managed cluster: ${what}${told === "" ? "" : `: ${told}`}`;
  return new ServiceProxyError(code, message, { cause: reason });
}

function describeCause({ cause }: ProxyError): string {
  return cause === undefined ? "" : describeError(cause);
}

/** The HTTP status of an error. */
export function httpStatusOf({ code }: ServiceProxyError): number {
  return treatments[code].httpStatus;
}

/** Answers with the `Status` of an error. An answer that has begun is cut. */
export function answerError(exchange: Exchange, error: ServiceProxyError): void {
  if (exchange.isAnswered) {
    exchange.cut();
    return;
  }
  const { httpStatus, reason } = treatments[error.code];
  const status: Status = failureStatus({ code: httpStatus, reason, message: error.message });
  const headers = ["content-type", "application/json", "cache-control", "no-cache, private"];
  exchange.answer({ status: httpStatus, headers }, `${JSON.stringify(status)}\n`);
}
