import type { Http2Session } from "node:http2";

/** What fits on a link decides how much has to be under way to fill it. */
const bytesPerMs = 400 * 1024;
/** Of one stream: enough for any link that is near, and as much as one at 80 ms can use. */
const nearBytes = 4 * 1024 * 1024;
const mostBytes = 32 * 1024 * 1024;
const leastBytes = 128 * 1024;
/** Of all streams of a session, whose readers may all have stopped. */
const budgetBytes = 64 * 1024 * 1024;

/** A round trip is measured again this often: load makes one look longer than the link is. */
const pingIntervalMs = 60_000;

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
  #bytes = nearBytes;
  #streams = 0;
  #roundTripMs = 0;
  #isTelling = false;
  #pinging: NodeJS.Timeout | undefined;

  constructor(session: WindowedSession) {
    this.#session = session;
    session.on("close", () => clearInterval(this.#pinging));
  }

  opened(): void {
    this.#streams += 1;
    // Sessions that carry nothing are not pinged by us.
    if (this.#pinging === undefined) this.#measure();
    this.#adapt();
  }

  closed(): void {
    this.#streams -= 1;
    this.#adapt();
  }

  #measure(): void {
    this.#pinging = setInterval(() => this.#ping(), pingIntervalMs).unref();
    this.#ping();
  }

  #ping(): void {
    if (this.#streams === 0 || this.#isOver) return;
    this.#session.ping((error, durationMs) => {
      if (error !== null) return;
      const before = this.#roundTripMs;
      this.#roundTripMs = before === 0 ? durationMs : Math.min(before, durationMs);
      this.#adapt();
    });
  }

  get #isOver(): boolean {
    return this.#session.closed || this.#session.destroyed;
  }

  #adapt(): void {
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
