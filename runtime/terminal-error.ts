/** Retrying cannot help: the object itself has to change first. */
export class TerminalError extends Error {
  override readonly name = "TerminalError";
}
