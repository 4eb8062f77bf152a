import type { Http2Session } from "node:http2";

/**
 * How much a peer may send on one stream before we have taken it, unless it is told otherwise. With
 * the usual 64 KiB a stream would carry 1.3 MB/s over a link of 50 ms.
 */
export const streamWindowBytes = 4 * 1024 * 1024;

/** What fits on a link decides how much has to be under way to fill it. */
const bytesPerMs = 400 * 1024;
/**
 * Of one stream: enough for a link that is near. More would only wait with us, where the receiver
 * is slower than the sender, and what waits has left the processor's caches when its turn comes.
 */
const nearBytes = 1024 * 1024;
/** As much as a link with a round trip of 80 ms can use. */
const mostBytes = 32 * 1024 * 1024;
const leastBytes = 128 * 1024;
/** Of all streams of a session, whose readers may all have stopped. */
const budgetBytes = 64 * 1024 * 1024;

/** Load makes a round trip look longer than the link is; the shortest one counts. */
const pingIntervalMs = 500;
const pings = 20;

/** How much all streams of one session may have on the way. Node gives it back on receipt. */
export const sessionWindowBytes = 2 * mostBytes;

/**
 * Chooses the window of each of `streams` on a link with this round trip. It grows beyond `current`
 * only where twice as many streams could have as much, so that it does not change with every one.
 */
export function chooseWindow(streams: number, roundTripMs: number, current: number): number {
  const allowed = windowFor(streams, roundTripMs);
  return allowed < current ? allowed : Math.max(current, windowFor(2 * streams, roundTripMs));
}

function windowFor(streams: number, roundTripMs: number): number {
  const useful = Math.max(nearBytes, powerOfTwo(roundTripMs * bytesPerMs));
  const share = powerOfTwo(budgetBytes / Math.max(streams, 1));
  return Math.max(leastBytes, Math.min(useful, share, mostBytes));
}

function powerOfTwo(bytes: number): number {
  return 2 ** Math.floor(Math.log2(Math.max(bytes, 1)));
}

/** As much of a session as its windows need. */
export type WindowedSession = Pick<Http2Session, "closed" | "destroyed" | "settings" | "ping"> & {
  on(event: "close", listener: () => void): unknown;
};

/** Keeps the windows of a session's streams to what {@link chooseWindow} says. */
export class StreamWindows {
  readonly #session: WindowedSession;
  #bytes = streamWindowBytes;
  #streams = 0;
  #roundTripMs = Number.POSITIVE_INFINITY;
  #pingsLeft = pings;
  #isTelling = false;
  #pinging: NodeJS.Timeout | undefined;

  constructor(session: WindowedSession) {
    this.#session = session;
    session.on("close", () => clearInterval(this.#pinging));
  }

  opened(): void {
    this.#streams += 1;
    // Sessions that carry nothing are not pinged by us.
    if (this.#pinging === undefined) {
      this.#pinging = setInterval(() => this.#ping(), pingIntervalMs).unref();
      this.#ping();
    }
    this.#adapt();
  }

  closed(): void {
    this.#streams -= 1;
    this.#adapt();
  }

  #ping(): void {
    if (this.#isOver || this.#pingsLeft === 0) return clearInterval(this.#pinging);
    if (this.#streams === 0) return;
    this.#pingsLeft -= 1;
    this.#session.ping((error, durationMs) => {
      if (error !== null) return;
      this.#roundTripMs = Math.min(this.#roundTripMs, durationMs);
      this.#adapt();
    });
  }

  get #isOver(): boolean {
    return this.#session.closed || this.#session.destroyed;
  }

  #adapt(): void {
    // Not measured yet: what it is until then suits most.
    if (this.#roundTripMs === Number.POSITIVE_INFINITY) return;
    const bytes = chooseWindow(this.#streams, this.#roundTripMs, this.#bytes);
    if (bytes === this.#bytes || this.#isTelling || this.#isOver) return;
    this.#bytes = bytes;
    this.#isTelling = true;
    // One change at a time: a peer that is slow to confirm is not asked for more.
    this.#session.settings({ initialWindowSize: bytes }, () => {
      this.#isTelling = false;
      this.#adapt();
    });
  }
}

const known = new WeakMap<WindowedSession, StreamWindows>();

/** The windows of a session, which all its streams share. */
export function windowsOf(session: WindowedSession): StreamWindows {
  const windows = known.get(session) ?? new StreamWindows(session);
  known.set(session, windows);
  return windows;
}
