import { text } from "node:stream/consumers";
import type { RawHeaders, Transport } from "#proxy";

/** What an API server answered. */
export interface JsonAnswer {
  readonly status: number;
  /** `undefined` when it is no JSON. */
  readonly body: unknown;
}

/** Posts JSON over a transport, with these fields and no others. Throws what the transport throws. */
export async function postJson(
  transport: Transport,
  request: { readonly path: string; readonly headers: RawHeaders; readonly body: unknown },
  signal: AbortSignal,
): Promise<JsonAnswer> {
  const body = Buffer.from(JSON.stringify(request.body));
  const headers = [
    "accept",
    "application/json",
    "content-type",
    "application/json",
    "content-length",
    String(body.length),
    ...request.headers,
  ];
  const call = await transport.call(
    { method: "POST", path: request.path, headers, hasBody: true, onInformation: () => undefined },
    signal,
  );
  const cancel = () => call.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    call.body.end(body);
    const response = await call.response;
    const answer = response.body === undefined ? "" : await text(response.body);
    return { status: response.status, body: parse(answer) };
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

function parse(answer: string): unknown {
  try {
    return JSON.parse(answer) as unknown;
  } catch {
    return undefined;
  }
}
