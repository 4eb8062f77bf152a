/** No credential can be given; `message` says what is missing and what to do, and holds no secret. */
export class PluginError extends Error {
  override readonly name = "PluginError";
}
