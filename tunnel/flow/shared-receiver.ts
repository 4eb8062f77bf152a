/** Limits on what waits for readers that are slower than the stream they share. */
export interface ReceiveLimits {
  /** Bytes that may wait for one reader before the stream is held for it. */
  readonly connectionBytes: number;
  /** Bytes that may wait for all readers of the process together. */
  readonly totalBytes: number;
  /** About how long a reader with a full queue may take nothing before it is cut. */
  readonly patienceMs: number;
}

export const defaultReceiveLimits: ReceiveLimits = {
  connectionBytes: 16 * 1024 * 1024,
  totalBytes: 256 * 1024 * 1024,
  patienceMs: 5000,
};

/**
 * Patience is counted in ticks: neither a clock that jumps nor a process that was stopped for a while
 * makes a slow reader look like a stalled one.
 */
const ticksOfPatience = 4;

/** What waits in all receivers of one process: the less room is left, the less each one may hold. */
export class ReceiveBudget {
  readonly limits: ReceiveLimits;
  #waitingBytes = 0;

  constructor(limits: ReceiveLimits = defaultReceiveLimits) {
    this.limits = limits;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** What one reader may have waiting now. */
  get connectionLimitBytes(): number {
    const { connectionBytes, totalBytes } = this.limits;
    return Math.min(connectionBytes, Math.max(0, totalBytes - this.#waitingBytes));
  }

  add(bytes: number): void {
    this.#waitingBytes += bytes;
  }
}

/** One connection's account of received bytes that its reader has not taken. */
export interface Inbox {
  /** Bytes arrived and were passed to the reader. */
  received(bytes: number): void;
  /** The reader took them. */
  taken(bytes: number): void;
  /** The connection is over; what waits is no longer counted. */
  close(): void;
}

/** The stream that is held while a reader is too far behind. */
export interface Holdable {
  pause(): unknown;
  resume(): unknown;
}

/**
 * Receives for many connections over one stream that has no flow control for each of them.
 *
 * A reader may fall behind up to a limit in bytes. Beyond it the whole stream is held, for as long
 * as that reader still takes something: it is slow, and there is no other way to slow its sender. A
 * reader that takes nothing for too long is stalled, and is cut for the sake of the others.
 */
export class SharedReceiver {
  readonly #stream: Holdable;
  readonly #budget: ReceiveBudget;
  readonly #behind = new Set<Account>();
  #watch: NodeJS.Timeout | undefined;

  constructor(stream: Holdable, budget: ReceiveBudget) {
    this.#stream = stream;
    this.#budget = budget;
  }

  /** An account for one connection. `onStalled` is called, once, when it has to be cut. */
  open(onStalled: () => void): Inbox {
    const account = new Account(onStalled);
    return {
      received: (bytes) => this.#received(account, bytes),
      taken: (bytes) => this.#taken(account, bytes),
      close: () => this.#close(account),
    };
  }

  #received(account: Account, bytes: number): void {
    if (account.isClosed) return;
    account.waitingBytes += bytes;
    this.#budget.add(bytes);
    if (account.waitingBytes <= this.#budget.connectionLimitBytes) return;
    if (this.#behind.has(account)) return;
    account.quietTicks = 0;
    this.#behind.add(account);
    this.#stream.pause();
    const { patienceMs } = this.#budget.limits;
    this.#watch ??= setInterval(() => this.#cutStalled(), patienceMs / ticksOfPatience).unref();
  }

  #taken(account: Account, bytes: number): void {
    if (account.isClosed) return;
    account.waitingBytes -= bytes;
    this.#budget.add(-bytes);
    account.quietTicks = 0;
    if (account.waitingBytes <= this.#budget.connectionLimitBytes / 2) this.#caughtUp(account);
  }

  #close(account: Account): void {
    if (account.isClosed) return;
    account.isClosed = true;
    this.#budget.add(-account.waitingBytes);
    this.#caughtUp(account);
  }

  #caughtUp(account: Account): void {
    if (!this.#behind.delete(account) || this.#behind.size > 0) return;
    clearInterval(this.#watch);
    this.#watch = undefined;
    this.#stream.resume();
  }

  #cutStalled(): void {
    for (const account of this.#behind) {
      account.quietTicks += 1;
      if (account.quietTicks < ticksOfPatience) continue;
      account.onStalled();
      this.#close(account);
    }
  }
}

class Account {
  readonly onStalled: () => void;
  waitingBytes = 0;
  quietTicks = 0;
  isClosed = false;

  constructor(onStalled: () => void) {
    this.onStalled = onStalled;
  }
}
