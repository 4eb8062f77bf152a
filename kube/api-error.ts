import { type Status, statusObject } from "#api";

/** Everything a request to an API server can end in. There are no other codes. */
export type ApiErrorCode =
  | "not_found"
  | "already_exists"
  | "conflict"
  | "invalid"
  | "bad_request"
  | "unauthorized"
  | "forbidden"
  | "expired"
  | "too_many_requests"
  | "timeout"
  | "server"
  | "unreachable";

/** An API server refused a request, or could not be asked. Callers branch on `code`. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: ApiErrorCode;
  /** What the server said, when it said something. */
  readonly status: Status | undefined;

  constructor(
    code: ApiErrorCode,
    message: string,
    options: ErrorOptions & { readonly status?: Status | undefined } = {},
  ) {
    super(message, options);
    this.code = code;
    this.status = options.status;
  }
}

const codeOfHttpStatus: Readonly<Record<number, ApiErrorCode>> = {
  400: "bad_request",
  401: "unauthorized",
  403: "forbidden",
  404: "not_found",
  408: "timeout",
  409: "conflict",
  410: "expired",
  422: "invalid",
  429: "too_many_requests",
  504: "timeout",
};

/** The error for an answer of `httpStatus` whose body is `text`; `what` says what was asked. */
export function apiErrorOf(what: string, httpStatus: number, text: string): ApiError {
  const status = parseStatus(text);
  const code =
    status?.reason === "AlreadyExists"
      ? "already_exists"
      : (codeOfHttpStatus[httpStatus] ?? (httpStatus < 500 ? "bad_request" : "server"));
  const reason = status?.message ?? `HTTP ${httpStatus}`;
  return new ApiError(code, `Cannot ${what}: ${reason}`, { status });
}

/** True for an {@link ApiError} with one of the codes. */
export function isApiError(error: unknown, ...codes: readonly ApiErrorCode[]): error is ApiError {
  return error instanceof ApiError && (codes.length === 0 || codes.includes(error.code));
}

/** The value, or `undefined` where the server says there is no such object. */
export async function ignoreNotFound<T>(pending: Promise<T>): Promise<T | undefined> {
  try {
    return await pending;
  } catch (error) {
    if (isApiError(error, "not_found")) return undefined;
    throw error;
  }
}

function parseStatus(text: string): Status | undefined {
  try {
    return statusObject.safeParse(JSON.parse(text)).data;
  } catch {
    // Not JSON: proxies and load balancers answer in their own words.
    return undefined;
  }
}
