import type { ProxyError, ProxyErrorCode } from "./proxy-error.ts";

/** What a front does about an error. */
export interface Treatment {
  readonly httpStatus: number;
  /** The upstream has not seen the request: sending it again is safe for every method. */
  readonly isUnsent: boolean;
  /** Sending it again is safe if the method is idempotent and there was no body. */
  readonly isRepeatable: boolean;
}

/** Total by construction: a new code does not compile until someone decides its treatment. */
const treatments = {
  bad_target: { httpStatus: 400, isUnsent: true, isRepeatable: false },
  overloaded: { httpStatus: 503, isUnsent: true, isRepeatable: false },
  dial_failed: { httpStatus: 502, isUnsent: true, isRepeatable: false },
  dial_timeout: { httpStatus: 504, isUnsent: true, isRepeatable: false },
  tls_failed: { httpStatus: 502, isUnsent: true, isRepeatable: false },
  tls_unverified: { httpStatus: 502, isUnsent: true, isRepeatable: false },
  upstream_lost: { httpStatus: 502, isUnsent: false, isRepeatable: true },
  upstream_refused: { httpStatus: 503, isUnsent: true, isRepeatable: true },
  response_timeout: { httpStatus: 504, isUnsent: false, isRepeatable: false },
  bad_response: { httpStatus: 502, isUnsent: false, isRepeatable: false },
  closed: { httpStatus: 503, isUnsent: true, isRepeatable: true },
  client_gone: { httpStatus: 499, isUnsent: false, isRepeatable: false },
} as const satisfies Record<ProxyErrorCode, Treatment>;

/** The treatment of an error, by its code alone. */
export function treatmentOf(error: ProxyError): Treatment {
  return treatments[error.code];
}
