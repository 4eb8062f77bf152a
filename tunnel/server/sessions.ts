import { randomUUID } from "node:crypto";
import type { Backend } from "./backend.ts";

/**
 * Which backend a stream belongs to that an agent opens for one connection. The id is a secret
 * between the two: whoever knows it may answer the backend's dials.
 */
export class Sessions {
  readonly #backends = new Map<string, Backend>();

  open(backend: Backend, id: string): void {
    this.#backends.set(id, backend);
  }

  find(id: string): Backend | undefined {
    return this.#backends.get(id);
  }

  close(id: string): void {
    this.#backends.delete(id);
  }
}

/** A new session's id. */
export function newSessionId(): string {
  return randomUUID();
}
