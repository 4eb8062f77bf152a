import { setTimeout as sleep } from "node:timers/promises";
import type { TokenBed } from "./token-bed.ts";

/**
 * For integration tests: a consumer that reads the hub Secret on each use, and uses the token at
 * once. It keeps how long it had to live with one that does not work.
 */
export class TokenReader implements AsyncDisposable {
  readonly #bed: TokenBed;
  readonly #account: string;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  readonly #failures: Date[] = [];
  #uses = 0;
  #worstMs = 0;
  #badSince: number | undefined;

  constructor(bed: TokenBed, account: string) {
    this.#bed = bed;
    this.#account = account;
    this.#running = this.#run();
  }

  /** How often a token was used. */
  get uses(): number {
    return this.#uses;
  }

  /** When each use began in which a token did not work. */
  get failures(): readonly Date[] {
    return this.#failures;
  }

  /** The longest time without a token that works; forgets it. */
  takeWorstMs(): number {
    const worst = this.#worstMs;
    this.#worstMs = 0;
    return Math.round(worst);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const startedAt = performance.now();
      const beganAt = new Date();
      const works = await this.#use();
      if (works === false) this.#failures.push(beganAt);
      if (works === false) this.#badSince ??= startedAt;
      // What cannot be asked says nothing: the API server itself is away.
      if (works !== false) this.#badSince = undefined;
      if (this.#badSince !== undefined) {
        this.#worstMs = Math.max(this.#worstMs, performance.now() - this.#badSince);
      }
      await sleep(20);
    }
  }

  async #use(): Promise<boolean | undefined> {
    try {
      const encoded = (await this.#bed.secret(this.#account))?.data?.["token"];
      if (encoded === undefined) return false;
      const user = await this.#bed.userOf(Buffer.from(encoded, "base64").toString());
      this.#uses += 1;
      return user !== undefined;
    } catch {
      return undefined;
    }
  }
}
