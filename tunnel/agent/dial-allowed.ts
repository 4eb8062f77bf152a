import type { Socket } from "node:net";
import { type DialPolicy, dialTarget } from "./dial-target.ts";

/** Longer than anybody waits: the caller gives up by its signal. */
const longestMs = 60_000;

/**
 * Connects to `host:port` as the agent's tunnel would, under the same policy. Rejects with an Error
 * whose message is what Go's net package would say; gives up when `signal` aborts.
 */
export async function dialAllowed(
  address: string,
  policy: DialPolicy,
  signal: AbortSignal,
): Promise<Socket> {
  const outcome = Promise.withResolvers<void>();
  const socket = dialTarget(
    address,
    { policy, timeoutMs: longestMs },
    {
      onConnected: () => outcome.resolve(),
      onFailed: (why) => outcome.reject(new Error(why)),
    },
  );
  const giveUp = () => outcome.reject(new Error(`dial tcp ${address}: given up`));
  signal.addEventListener("abort", giveUp, { once: true });
  if (signal.aborted) giveUp();
  try {
    await outcome.promise;
  } catch (error) {
    socket?.on("error", () => undefined).destroy();
    throw error;
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
  // An address that cannot be read gives no socket, and has been refused above.
  return socket as Socket;
}
