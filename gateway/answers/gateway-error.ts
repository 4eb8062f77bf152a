/**
 * Every way in which the gateway itself says no. There are no other codes. What the managed
 * cluster says passes through and is none of these.
 */
export type GatewayErrorCode =
  | "bad_request"
  | "unauthenticated"
  | "forbidden"
  | "not_found"
  | "already_exists"
  | "invalid"
  | "too_large"
  | "unsupported_media_type"
  | "method_not_allowed"
  | "conflict"
  | "expired"
  | "version_too_new"
  | "overloaded"
  | "hub_unavailable"
  | "cluster_unusable"
  | "cluster_not_ready"
  | "tunnel_down"
  | "circuit_open"
  | "unreachable"
  | "untrusted"
  | "broken_answer"
  | "timeout"
  | "shutting_down"
  | "client_gone"
  | "internal";

/** One fault of one field, as API servers list them. */
export interface FieldFault {
  readonly reason:
    | "FieldValueInvalid"
    | "FieldValueRequired"
    | "FieldValueNotSupported"
    | "FieldValueForbidden"
    | "FieldManagerConflict"
    | "ResourceVersionTooLarge";
  readonly message: string;
  /** E.g. `spec.access.endpoint.type`. */
  readonly field?: string;
}

export interface GatewayErrorDetails {
  /** The object that the error is about. */
  readonly name?: string;
  /** Its resource, e.g. `clustergateways`. */
  readonly resource?: string;
  readonly causes?: readonly FieldFault[];
  /** It began to fail a moment ago, as when an agent is being replaced: the next try may succeed. */
  readonly isFresh?: boolean;
  /** For a list that cannot be continued as it was: where its rest can be had as it is now. */
  readonly continue?: string;
}

/** What becomes a `Status`. The message is for the person who asked: cluster, hop, what to do. */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  readonly code: GatewayErrorCode;
  readonly details: GatewayErrorDetails;

  constructor(
    code: GatewayErrorCode,
    message: string,
    options: ErrorOptions & { readonly details?: GatewayErrorDetails } = {},
  ) {
    super(message, options);
    this.code = code;
    this.details = options.details ?? {};
  }
}
