/** Everything that can be wrong with keys, certificates and requests. There are no other codes. */
export type PkiErrorCode =
  | "bad_certificate"
  | "bad_key"
  | "bad_request"
  | "key_mismatch"
  | "not_an_authority"
  | "expired_authority";

/** Something cannot be read, signed or trusted. Its message never holds key material. */
export class PkiError extends Error {
  override readonly name = "PkiError";
  readonly code: PkiErrorCode;

  constructor(code: PkiErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
