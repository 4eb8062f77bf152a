/**
 * Why the bed could not do something. There are no other codes.
 *
 * - `preflight`: the machine lacks what the bed needs.
 * - `tools`: a program of the bed has not been built.
 * - `command`: a command ended with an error.
 * - `ended`: a program that should keep running has ended.
 * - `timeout`: a condition did not come true in time.
 * - `busy`: another bed, or another command of this one, is at work.
 * - `claim`: something the bed promises is not so.
 */
export type BedErrorCode =
  | "preflight"
  | "tools"
  | "command"
  | "ended"
  | "timeout"
  | "busy"
  | "claim";

/** The one error of the test bed; `message` says what could not be done. */
export class BedError extends Error {
  override readonly name = "BedError";
  readonly code: BedErrorCode;

  constructor(code: BedErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
