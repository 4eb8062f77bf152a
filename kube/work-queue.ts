/**
 * Keys that want to be worked on: each at most once, never by two workers at a time, after a
 * delay when asked. Pure bookkeeping, without timers: `take` is told what time it is.
 */
export class WorkQueue {
  /** When each waiting key is due, in ms; insertion order breaks ties. */
  readonly #due = new Map<string, number>();
  readonly #active = new Set<string>();
  readonly #failures = new Map<string, number>();

  /** Asks for the key to be worked on at `atMs`; an earlier date that was asked for stays. */
  add(key: string, atMs: number): void {
    const known = this.#due.get(key);
    if (known === undefined || atMs < known) this.#due.set(key, atMs);
  }

  /** The next key that is due and not being worked on; it is then active until `done`. */
  take(nowMs: number): string | undefined {
    let best: string | undefined;
    let bestDue = Number.POSITIVE_INFINITY;
    for (const [key, due] of this.#due) {
      if (due > nowMs || due >= bestDue || this.#active.has(key)) continue;
      best = key;
      bestDue = due;
    }
    if (best === undefined) return undefined;
    this.#due.delete(best);
    this.#active.add(best);
    return best;
  }

  /** When `take` may next have something, or undefined when nothing waits. */
  nextDueMs(): number | undefined {
    let next: number | undefined;
    for (const [key, due] of this.#due) {
      if (!this.#active.has(key) && (next === undefined || due < next)) next = due;
    }
    return next;
  }

  /** Work on the key has ended. */
  done(key: string): void {
    this.#active.delete(key);
  }

  /** Counts a failure; answers how many there were in a row, this one included. */
  fail(key: string): number {
    const count = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, count);
    return count;
  }

  /** Forgets the failures of a key that worked. */
  succeed(key: string): void {
    this.#failures.delete(key);
  }

  get depth(): number {
    return this.#due.size;
  }
}
