import { failureStatus, type Status } from "#api";
import type { GatewayError, GatewayErrorCode } from "./gateway-error.ts";

interface Treatment {
  readonly httpStatus: number;
  /** As Kubernetes spells it. */
  readonly reason: string;
  /** When it makes sense to ask again: told in the `Status`, which controllers heed. */
  readonly retryAfterSeconds?: number;
  /**
   * Whether a field `Retry-After` says so too. Kubernetes' clients heed it up to ten times before
   * they show the answer, so it is sent only where a moment later the answer may be another.
   */
  readonly isRetriedAtOnce?: "always" | "fresh";
}

const retried = (isRetriedAtOnce: NonNullable<Treatment["isRetriedAtOnce"]>) => ({
  retryAfterSeconds: isRetriedAtOnce === "always" ? 1 : 5,
  isRetriedAtOnce,
});

/** Total by construction: a new code does not compile until someone decides its treatment. */
const treatments: Readonly<Record<GatewayErrorCode, Treatment>> = {
  bad_request: { httpStatus: 400, reason: "BadRequest" },
  unauthenticated: { httpStatus: 401, reason: "Unauthorized" },
  forbidden: { httpStatus: 403, reason: "Forbidden" },
  not_found: { httpStatus: 404, reason: "NotFound" },
  already_exists: { httpStatus: 409, reason: "AlreadyExists" },
  invalid: { httpStatus: 422, reason: "Invalid" },
  too_large: { httpStatus: 413, reason: "RequestEntityTooLarge" },
  unsupported_media_type: { httpStatus: 415, reason: "UnsupportedMediaType" },
  method_not_allowed: { httpStatus: 405, reason: "MethodNotAllowed" },
  conflict: { httpStatus: 409, reason: "Conflict" },
  expired: { httpStatus: 410, reason: "Expired" },
  version_too_new: { httpStatus: 504, reason: "Timeout", ...retried("always") },
  overloaded: { httpStatus: 429, reason: "TooManyRequests", ...retried("always") },
  hub_unavailable: { httpStatus: 503, reason: "ServiceUnavailable", ...retried("always") },
  cluster_unusable: { httpStatus: 500, reason: "InternalError" },
  cluster_not_ready: { httpStatus: 503, reason: "ServiceUnavailable", ...retried("fresh") },
  tunnel_down: { httpStatus: 503, reason: "ServiceUnavailable", ...retried("fresh") },
  circuit_open: { httpStatus: 503, reason: "ServiceUnavailable", ...retried("fresh") },
  unreachable: { httpStatus: 502, reason: "BadGateway" },
  untrusted: { httpStatus: 502, reason: "BadGateway" },
  broken_answer: { httpStatus: 502, reason: "BadGateway" },
  timeout: { httpStatus: 504, reason: "Timeout" },
  shutting_down: { httpStatus: 503, reason: "ServiceUnavailable", ...retried("always") },
  client_gone: { httpStatus: 499, reason: "Unknown" },
  internal: { httpStatus: 500, reason: "InternalError" },
};

/** The treatment of an error, by its code alone. */
export function treatmentOf({ code }: Pick<GatewayError, "code">): Treatment {
  return treatments[code];
}

/** The value of `Retry-After` for an error, or `undefined` for an answer that is to be shown at once. */
export function retryAfterOf(error: GatewayError): number | undefined {
  const { isRetriedAtOnce } = treatmentOf(error);
  const isDue =
    isRetriedAtOnce === "always" || (isRetriedAtOnce === "fresh" && error.details.isFresh);
  return isDue === true ? 1 : undefined;
}

/** The error as the API server of a group says it. */
export function statusOf(error: GatewayError, group: string): Status {
  const { httpStatus, reason, retryAfterSeconds } = treatmentOf(error);
  const { name, resource, causes, continue: token } = error.details;
  const details = {
    ...(name === undefined ? {} : { name }),
    ...(resource === undefined ? {} : { group, kind: resource }),
    ...(causes === undefined
      ? {}
      : { causes: causes.map(({ reason, message, field = "" }) => ({ reason, message, field })) }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  };
  const status = failureStatus({
    code: httpStatus,
    reason,
    message: error.message,
    ...(Object.keys(details).length === 0 ? {} : { details }),
  });
  return token === undefined ? status : { ...status, metadata: { continue: token } };
}
