import type { Http2Session } from "node:http2";
import { windows } from "./windows.ts";

/**
 * Chooses the window of every stream on a session that carries `streams`, of which all may have
 * readers that have stopped. Few streams get wide windows, many share the budget. `current` stays
 * until much less is needed, so that windows do not change with every stream that comes and goes.
 */
export function chooseWindow(streams: number, current: number): number {
  const share = windows.budgetBytes / Math.max(streams, 1);
  const fit = 2 ** Math.floor(Math.log2(share));
  const wanted = Math.min(windows.streamBytes, Math.max(windows.leastStreamBytes, fit));
  return wanted < current || wanted >= 4 * current ? wanted : current;
}

/** Keeps the windows of a session's streams to what {@link chooseWindow} says. */
export class StreamWindows {
  readonly #session: Pick<Http2Session, "closed" | "destroyed" | "settings">;
  #bytes: number = windows.streamBytes;
  #streams = 0;
  #isTelling = false;

  constructor(session: Pick<Http2Session, "closed" | "destroyed" | "settings">) {
    this.#session = session;
  }

  opened(): void {
    this.#streams += 1;
    this.#adapt();
  }

  closed(): void {
    this.#streams -= 1;
    this.#adapt();
  }

  #adapt(): void {
    const bytes = chooseWindow(this.#streams, this.#bytes);
    if (bytes === this.#bytes || this.#isTelling) return;
    if (this.#session.closed || this.#session.destroyed) return;
    this.#bytes = bytes;
    this.#isTelling = true;
    // One change at a time: a peer that is slow to confirm is not asked for more.
    this.#session.settings({ initialWindowSize: bytes }, () => {
      this.#isTelling = false;
      this.#adapt();
    });
  }
}
