import { STATUS_CODES } from "node:http";
import { texts } from "../wire/texts.ts";

/** How an HTTP CONNECT request is refused. */
export interface ConnectRefusal {
  readonly status: 405 | 500 | 502 | 503 | 504;
  readonly contentType: string;
  readonly body: string;
}

const plain = "text/plain; charset=utf-8";

/** What an HTTP client is told about a dial that came to nothing, in upstream's words. */
export function refusalOfDial(error: string): ConnectRefusal {
  switch (error) {
    case texts.noAgent:
      return {
        status: 500,
        contentType: "text/plain",
        body: `currently no tunnels available: ${error}`,
      };
    case texts.dialTimedOut:
      return { status: 504, contentType: plain, body: `Backend dial timeout: ${error}` };
    case texts.agentLost:
      return { status: 502, contentType: plain, body: `Backend context error: ${error}` };
    default:
      return { status: statusOf(error), contentType: plain, body: error };
  }
}

/** The answer to anything but CONNECT. */
export const onlyConnect: ConnectRefusal = {
  status: 405,
  contentType: plain,
  body: "this proxy only supports CONNECT passthrough\n",
};

/** The text is all that the agent tells. */
function statusOf(error: string): 502 | 503 | 504 {
  if (/timeout|deadline exceeded/i.test(error)) return 504;
  return /too many open files/i.test(error) ? 503 : 502;
}

/** A whole response of a connection that ends with it. */
export function responseText({ status, contentType, body }: ConnectRefusal): string {
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Content-Type: ${contentType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}
