import type { Http2Session } from "node:http2";

/** Between two looks at a peer, unless keepalives are to be more frequent still. */
const longestIntervalMs = 10_000;
/** How many looks in a row may find nothing new before the peer is given up. */
const patience = 2;

/** As much of a session as it takes to watch it. */
export type WatchedSession = Pick<Http2Session, "destroyed" | "ping" | "destroy"> & {
  readonly socket: { readonly bytesRead: number };
  on(event: "error", listener: () => void): unknown;
};

export interface WatchOptions {
  /** The peer is looked at at least this often. */
  readonly keepaliveTimeMs: number;
  /** Told how long a ping took there and back, in milliseconds. */
  readonly onRoundTrip?: (ms: number) => void;
}

/**
 * Pings the peer of a session now and every 10 seconds, and ends the session when nothing at all
 * came for two looks in a row: 20 to 30 seconds after a link was cut of which nobody was told. Any
 * byte counts, so that a ping that waits behind much data on a slow link harms nobody; and looks are
 * counted, not time, so that no jump of a clock does, nor a process that was stopped for a while.
 *
 * The function returned ends that.
 */
export function watchSession(
  session: WatchedSession | undefined,
  { keepaliveTimeMs, onRoundTrip = () => undefined }: WatchOptions,
): () => void {
  if (session === undefined) return () => undefined;
  let isOver = false;
  let silentLooks = 0;
  let seenBytes = Number.NaN;
  hearErrors(session);
  const look = () => {
    if (session.destroyed) return stop();
    const { bytesRead } = session.socket;
    silentLooks = bytesRead === seenBytes ? silentLooks + 1 : 0;
    seenBytes = bytesRead;
    // With an error the socket goes at once; without, it would wait for an answer to its end.
    if (silentLooks >= patience) return session.destroy(new Error("Peer gives no sign of life"));
    session.ping((error, durationMs) => {
      if (error === null && !isOver) onRoundTrip(durationMs);
    });
  };
  const timer = setInterval(look, Math.min(keepaliveTimeMs, longestIntervalMs)).unref();
  const stop = () => {
    isOver = true;
    clearInterval(timer);
  };
  look();
  return stop;
}

const heard = new WeakSet<WatchedSession>();

/** Its streams tell whoever uses them; an unheard error would end the process. */
function hearErrors(session: WatchedSession): void {
  // A peer may open as many streams as it likes, and each of them wants it watched.
  if (heard.has(session)) return;
  heard.add(session);
  session.on("error", () => undefined);
}
