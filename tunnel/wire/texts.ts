import type { TunnelErrorCode } from "../tunnel-error.ts";

/** Error texts that peers send and callers search for. They are part of the protocol. */
export const texts = {
  noAgent: "No agent available",
  dialTimedOut: "timed out waiting for backend dial",
  unknownConnection: "Unknown connectID",
  unrecognizedConnection: "unrecognized connectID",
  dataBeforeDial: "backend not initialized",
  closeBeforeDial: "backend uninitialized",
  mismatchedConnection: "mismatched connection IDs",
  secondDial: "a stream carries one connection",
  protocolNotSupported: "protocol not supported",
  agentLost: "the agent's connection to the tunnel server was lost",
  targetReset: "the target reset the connection",
  connectionLost:
    "the target reset the connection, or the agent's connection to the tunnel server was lost",
  readerStalled: "the reader took nothing for too long while its queue was full",
} as const;

const dialCodes: readonly (readonly [pattern: RegExp, code: TunnelErrorCode])[] = [
  [/^No agent available$/, "no_agent"],
  [/server was lost$/, "no_agent"],
  [/connection refused/, "dial_refused"],
  [/i\/o timeout|timed out waiting for backend dial/, "dial_timeout"],
];

/**
 * The code of a dial's error text. The wire has only the text, so this is the one place that looks
 * into one; everything else branches on the code.
 */
export function dialErrorCode(text: string): TunnelErrorCode {
  return dialCodes.find(([pattern]) => pattern.test(text))?.[1] ?? "dial_failed";
}
