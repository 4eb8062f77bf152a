import type { OutgoingHttpHeaders } from "node:http";
import { type RequestOptions, request } from "node:https";
import { buffer } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers";

export interface JsonRequest {
  /** CAs to trust, PEM. Without any, the system's. */
  readonly ca?: string | Buffer | undefined;
  /** Further options, with the client's own credentials. */
  readonly options?: RequestOptions;
  /** Sent with POST; without it, GET. */
  readonly body?: unknown;
  /** Defaults to 5 seconds, for all of it. */
  readonly timeoutMs?: number;
}

/** Far more than any answer that we ask for. */
const maxBytes = 1024 * 1024;

/**
 * Asks for JSON over verified TLS. No redirect is followed, and no more than a megabyte is read.
 * Throws an Error that names the host and what went wrong.
 */
export async function askJson(
  url: URL,
  { ca, options = {}, body, timeoutMs = 5000 }: JsonRequest = {},
): Promise<unknown> {
  const sent = body === undefined ? undefined : JSON.stringify(body);
  const answer = Promise.withResolvers<Buffer>();
  const asking = request(url, {
    ...options,
    method: sent === undefined ? "GET" : "POST",
    headers: {
      ...(options.headers as OutgoingHttpHeaders | undefined),
      accept: "application/json",
      "content-type": "application/json",
    },
    ...(ca === undefined ? {} : { ca }),
  });
  const timer = wait(() => asking.destroy(new Error("it took too long")), timeoutMs);
  asking.once("error", answer.reject);
  asking.once("response", (response) => {
    let length = 0;
    response.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length > maxBytes) response.destroy(new Error("its answer is too large"));
    });
    buffer(response).then((read) => {
      if (response.statusCode === 200) answer.resolve(read);
      else answer.reject(new Error(`it answered ${response.statusCode}`));
    }, answer.reject);
  });
  asking.end(sent);
  try {
    return JSON.parse((await answer.promise).toString("utf8")) as unknown;
  } catch (cause) {
    const why = cause instanceof SyntaxError ? "its answer is no JSON" : String(cause);
    throw new Error(`Cannot ask ${url.host}: ${why}`, { cause });
  } finally {
    clearTimeout(timer);
  }
}
