/** More hosts than any hub has clusters: beyond it the oldest are forgotten. */
const maxHosts = 10_000;
/** How long a host that was there a moment ago is waited for. */
const holdMs = 2000;

interface Hint {
  readonly address: string;
  /** When the first dial since the last good one failed. */
  lostAtMs: number | undefined;
  /** A connection has been lost since the last good dial. */
  isDoubted: boolean;
}

/** Which server had an agent for a host the last time, so that it is asked first. */
export class ServerHints {
  readonly #hints = new Map<string, Hint>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Whether the last dial of the host worked, and through this server. */
  isHinted(host: string, address: string): boolean {
    const hint = this.#hints.get(host);
    return hint?.address === address && hint.lostAtMs === undefined;
  }

  /** Whether dials of the host have failed, or a connection was lost, since the last good dial. */
  isDoubtful(host: string): boolean {
    const hint = this.#hints.get(host);
    return hint !== undefined && (hint.isDoubted || hint.lostAtMs !== undefined);
  }

  /** A connection to the host was lost, and its agent or server may be. */
  doubt(host: string): void {
    const hint = this.#hints.get(host);
    if (hint !== undefined) hint.isDoubted = true;
  }

  remember(host: string, address: string): void {
    this.#hints.delete(host);
    this.#hints.set(host, { address, lostAtMs: undefined, isDoubted: false });
    if (this.#hints.size <= maxHosts) return;
    const [oldest] = this.#hints.keys();
    if (oldest !== undefined) this.#hints.delete(oldest);
  }

  /**
   * No server has an agent for the host. True while it should be tried again: its loss is fresh,
   * and whoever was lost is likely to be on its way back.
   */
  missed(host: string): boolean {
    const hint = this.#hints.get(host);
    if (hint === undefined) return false;
    hint.lostAtMs ??= this.#now();
    if (this.#now() < hint.lostAtMs + holdMs) return true;
    this.#hints.delete(host);
    return false;
  }
}
