import type { Http2Session } from "node:http2";

const intervalMs = 15_000;

/**
 * Pings the peer of a session now and every 15 seconds, and reports the round trips in
 * milliseconds. The function returned ends that.
 */
export function probeRoundTrip(
  session: Pick<Http2Session, "ping" | "destroyed"> | undefined,
  report: (ms: number) => void,
): () => void {
  if (session === undefined) return () => undefined;
  let isOver = false;
  const probe = () => {
    if (session.destroyed) return;
    session.ping((error, durationMs) => {
      if (error === null && !isOver) report(durationMs);
    });
  };
  const timer = setInterval(probe, intervalMs).unref();
  probe();
  return () => {
    isOver = true;
    clearInterval(timer);
  };
}
