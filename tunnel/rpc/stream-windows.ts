import type { Http2Session } from "node:http2";

/**
 * How much a peer may send on one stream before we have taken it, unless it is told otherwise. With
 * the usual 64 KiB a stream would carry 1.3 MB/s over a link of 50 ms.
 */
export const streamWindowBytes = 4 * 1024 * 1024;

/** What fits on a link has to be under way to fill it: so much of it before it has shown more. */
const firstBytesPerMs = 400 * 1024;
const mostAtFirstBytes = 32 * 1024 * 1024;
/**
 * Of one stream: enough for a link that is near. More would only wait with us, where the receiver
 * is slower than the sender, and what waits has left the processor's caches when its turn comes.
 */
const nearBytes = 1024 * 1024;
/**
 * HTTP/2 gives a window back by halves, so that a sender that never waits needs twice what is on
 * the link; half as much again lets it get faster.
 */
const headroom = 3;
const mostBytes = 64 * 1024 * 1024;
const leastBytes = 128 * 1024;
/** Of all streams of a session, whose readers may all have stopped; more where one is given more. */
const budgetBytes = 64 * 1024 * 1024;

/** Load makes a round trip look longer than the link is; the shortest one counts. */
const pingIntervalMs = 500;
const pings = 20;

/** How long a speed that was reached once counts, until half of it is forgotten. */
const speedHalfLifeMs = 30_000;

/** How much all streams of one session may have on the way. Node gives it back on receipt. */
export const sessionWindowBytes = 64 * 1024 * 1024;

/** What is known of a session's link. */
export interface LinkUse {
  readonly streams: number;
  readonly roundTripMs: number;
  /** How fast readers have lately taken what came. */
  readonly bytesPerMs: number;
}

/**
 * Chooses the window of each stream. It grows beyond `current` only where twice as many streams
 * could have as much, so that it does not change with every one.
 */
export function chooseWindow(use: LinkUse, current: number): number {
  const allowed = windowFor(use);
  return allowed < current
    ? allowed
    : Math.max(current, windowFor({ ...use, streams: 2 * use.streams }));
}

/** Fast readers earn more: a slow one keeps any window full, and all of it would lie with us. */
function windowFor({ streams, roundTripMs, bytesPerMs }: LinkUse): number {
  const first = Math.min(mostAtFirstBytes, powerOfTwo(roundTripMs * firstBytesPerMs));
  const earned = powerOfTwo(2 * headroom * roundTripMs * bytesPerMs);
  const useful = Math.min(mostBytes, Math.max(nearBytes, first, earned));
  const share = powerOfTwo(Math.max(budgetBytes, 2 * useful) / Math.max(streams, 1));
  return Math.max(leastBytes, Math.min(useful, share));
}

/** The power of two at or below. */
function powerOfTwo(bytes: number): number {
  return 2 ** Math.floor(Math.log2(Math.max(bytes, 1)));
}

/** How fast readers take what comes, looked at whenever much has come. */
export class ReadSpeed {
  readonly #now: () => number;
  #bytes = 0;
  #sinceMs: number;
  #bytesPerMs = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#sinceMs = now();
  }

  get bytesPerMs(): number {
    return this.#bytesPerMs;
  }

  /** Counts what was taken; true when that made another speed. */
  taken(bytes: number, { windowBytes, roundTripMs }: { windowBytes: number; roundTripMs: number }) {
    this.#bytes += bytes;
    // Seldom, and over more than one round trip: what comes, comes in bursts.
    if (this.#bytes < windowBytes / 4) return false;
    const now = this.#now();
    const elapsedMs = now - this.#sinceMs;
    if (elapsedMs < 2 * roundTripMs) return false;
    const kept = this.#bytesPerMs * 0.5 ** (elapsedMs / speedHalfLifeMs);
    this.#bytesPerMs = Math.max(kept, this.#bytes / elapsedMs);
    this.#bytes = 0;
    this.#sinceMs = now;
    return true;
  }
}

/** As much of a session as its windows need. */
export type WindowedSession = Pick<Http2Session, "closed" | "destroyed" | "settings" | "ping"> & {
  on(event: "close", listener: () => void): unknown;
};

/** Keeps the windows of a session's streams to what {@link chooseWindow} says. */
export class StreamWindows {
  readonly #session: WindowedSession;
  readonly #speed = new ReadSpeed();
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

  /** A reader has taken so many bytes. */
  taken(bytes: number): void {
    const link = { windowBytes: this.#bytes, roundTripMs: this.#roundTripMs };
    if (this.#speed.taken(bytes, link)) this.#adapt();
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
    const { bytesPerMs } = this.#speed;
    const use = { streams: this.#streams, roundTripMs: this.#roundTripMs, bytesPerMs };
    const bytes = chooseWindow(use, this.#bytes);
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
