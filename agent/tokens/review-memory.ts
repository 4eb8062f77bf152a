import { createHash } from "node:crypto";

/** How long the word of the managed cluster about a token counts. */
const freshMs = 60_000;

/**
 * Remembers which tokens the managed cluster has just accepted or issued, so that the events of
 * our own writes do not make us ask again.
 */
export class ReviewMemory {
  /** By account: a digest of the token, which is shorter and tells nobody anything. */
  readonly #accepted = new Map<string, { readonly digest: string; readonly atMs: number }>();

  remember(key: string, token: string, nowMs: number): void {
    this.#accepted.set(key, { digest: digestOf(token), atMs: nowMs });
  }

  isFresh(key: string, token: string, nowMs: number): boolean {
    const known = this.#accepted.get(key);
    return known !== undefined && nowMs - known.atMs < freshMs && known.digest === digestOf(token);
  }

  /** Forgets all: the managed cluster may have changed its mind. */
  clear(): void {
    this.#accepted.clear();
  }

  forget(key: string): void {
    this.#accepted.delete(key);
  }
}

function digestOf(token: string): string {
  return createHash("sha256").update(token).digest("base64");
}
