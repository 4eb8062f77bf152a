import type { Exchange } from "#proxy";
import type { GatewayError } from "./gateway-error.ts";
import { retryAfterOf, statusOf, treatmentOf } from "./treatment.ts";

/** Answers with JSON. `contentType` is for documents that have a media type of their own. */
export function answerJson(
  exchange: Exchange,
  status: number,
  body: unknown,
  headers: readonly string[] = [],
  contentType = "application/json",
): void {
  const text = `${JSON.stringify(body)}\n`;
  answerText(exchange, status, text, contentType, headers);
}

/** Answers with a text that is already written. */
export function answerText(
  exchange: Exchange,
  status: number,
  text: string | Buffer,
  contentType = "text/plain; charset=utf-8",
  headers: readonly string[] = [],
): void {
  if (exchange.isAnswered) return;
  const fields = ["content-type", contentType, "cache-control", "no-cache, private", ...headers];
  exchange.answer({ status, headers: fields }, text);
}

/** Answers with the `Status` of an error about a group's objects, unless an answer has begun. */
export function answerError(exchange: Exchange, error: GatewayError, group: string): void {
  const { httpStatus } = treatmentOf(error);
  const retryAfterSeconds = retryAfterOf(error);
  const headers = retryAfterSeconds === undefined ? [] : ["retry-after", String(retryAfterSeconds)];
  answerJson(exchange, httpStatus, statusOf(error, group), headers);
}
