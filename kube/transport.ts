import { once } from "node:events";
import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest, type RequestOptions } from "node:https";
import { text } from "node:stream/consumers";
import { ApiError, apiErrorOf } from "./api-error.ts";
import type { ClusterAccess } from "./cluster-access.ts";

export interface ApiRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path and query. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Media type of the body. Defaults to `application/json`. */
  readonly contentType?: string | undefined;
  /** Media types of the answer. Defaults to `application/json`. */
  readonly accept?: string;
}

/** Sends requests to one API server. */
export interface Transport {
  /** The answer, parsed from JSON. Throws an {@link ApiError} for any other than 2xx. */
  json(request: ApiRequest, signal: AbortSignal): Promise<unknown>;
  /** The answer's text. Throws an {@link ApiError} for any other than 2xx. */
  text(request: ApiRequest, signal: AbortSignal): Promise<string>;
  /** The open answer, for watches and logs; the caller reads it to the end or destroys it. */
  stream(request: ApiRequest, signal: AbortSignal): Promise<IncomingMessage>;
}

export interface TransportOptions {
  readonly userAgent: string;
  /** How long an answer may take, except for streams. Defaults to 30 seconds. */
  readonly timeoutMs?: number;
}

export function createTransport(
  access: ClusterAccess,
  { userAgent, timeoutMs = 30_000 }: TransportOptions,
): Transport {
  const open = async (request: ApiRequest, signal: AbortSignal): Promise<IncomingMessage> => {
    const response = await send(access, request, userAgent, signal);
    const code = response.statusCode ?? 0;
    if (code >= 200 && code < 300) return response;
    throw apiErrorOf(describe(request), code, await text(response));
  };
  const read = async (request: ApiRequest, signal: AbortSignal): Promise<string> => {
    const deadline = AbortSignal.timeout(timeoutMs);
    try {
      return await text(await open(request, AbortSignal.any([signal, deadline])));
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ApiError) throw error;
      if (!deadline.aborted) throw unreachable(access, request, error);
      throw new ApiError("timeout", `Cannot ${describe(request)}: no answer in ${timeoutMs} ms`, {
        cause: error,
      });
    }
  };
  return {
    stream: open,
    text: read,
    json: async (request, signal) => parseJson(request, await read(request, signal)),
  };
}

async function send(
  access: ClusterAccess,
  request: ApiRequest,
  userAgent: string,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  for (let isRetry = false; ; isRetry = true) {
    const outgoing = start(
      access.server,
      request,
      userAgent,
      await access.requestOptions(),
      signal,
    );
    try {
      const [response] = (await once(outgoing, "response")) as [IncomingMessage];
      return response;
    } catch (error) {
      signal.throwIfAborted();
      // The server closed an idle connection just as we took it up again.
      if (outgoing.reusedSocket && !isRetry) continue;
      throw unreachable(access, request, error);
    }
  }
}

function start(
  server: string,
  request: ApiRequest,
  userAgent: string,
  options: RequestOptions,
  signal: AbortSignal,
): ClientRequest {
  const url = new URL(server + request.path);
  const body = request.body === undefined ? undefined : JSON.stringify(request.body);
  const outgoing = (url.protocol === "http:" ? httpRequest : httpsRequest)(url, {
    ...options,
    method: request.method,
    signal,
    headers: {
      ...(options.headers as Record<string, string> | undefined),
      Accept: request.accept ?? "application/json",
      "User-Agent": userAgent,
      ...(body === undefined
        ? {}
        : {
            "Content-Type": request.contentType ?? "application/json",
            "Content-Length": Buffer.byteLength(body),
          }),
    },
  });
  // A socket that fails after the answer began tells both; the answer's reader hears it.
  outgoing.on("error", () => undefined);
  outgoing.end(body);
  return outgoing;
}

function parseJson(request: ApiRequest, body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    throw new ApiError("server", `Cannot ${describe(request)}: the answer is no JSON`, {
      cause: error,
    });
  }
}

function unreachable({ server }: ClusterAccess, request: ApiRequest, cause: unknown): ApiError {
  return new ApiError("unreachable", `Cannot ${describe(request)} at ${server}`, { cause });
}

function describe({ method, path }: ApiRequest): string {
  return `${method} ${path.split("?", 1)[0] ?? path}`;
}
