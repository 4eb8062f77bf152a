/** How long the word of the managed cluster about a token counts. */
const freshMs = 60_000;

/**
 * Remembers which tokens the managed cluster has just accepted or issued, so that the events of
 * our own writes do not make us ask again.
 */
export class ReviewMemory {
  readonly #accepted = new Map<string, { readonly token: string; readonly atMs: number }>();

  remember(key: string, token: string, nowMs: number): void {
    this.#accepted.set(key, { token, atMs: nowMs });
  }

  isFresh(key: string, token: string, nowMs: number): boolean {
    const known = this.#accepted.get(key);
    return known?.token === token && nowMs - known.atMs < freshMs;
  }

  forget(key: string): void {
    this.#accepted.delete(key);
  }
}
