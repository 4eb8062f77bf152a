import type { BackendReport, Drain, Report } from "../wire/packet.ts";

/**
 * What a server can do for a host: an agent serves it, all that do are on their way out, none does.
 * Servers of others do not tell.
 */
export type Holding = "serving" | "draining" | "none" | "unknown";

/** What one server has reported of itself. */
export class Holdings {
  #backends: Map<bigint, BackendReport> | undefined;
  readonly #byHost = new Map<string, Set<bigint>>();
  readonly #forAny = new Set<bigint>();
  #isLeaving = false;

  of(host: string): Holding {
    const backends = this.#backends;
    if (backends === undefined) return "unknown";
    const ids = [...(this.#byHost.get(host) ?? []), ...this.#forAny];
    if (ids.length === 0) return "none";
    if (this.#isLeaving) return "draining";
    return ids.some((id) => backends.get(id)?.isDraining === false) ? "serving" : "draining";
  }

  /** Whether connections over a backend should be replaced when they can be. */
  isLeft(backendId: bigint): boolean {
    if (this.#isLeaving) return true;
    return this.#backends !== undefined && this.#backends.get(backendId)?.isDraining !== false;
  }

  take(packet: Report | Drain): void {
    if (packet.type === "drain") {
      this.#isLeaving = true;
      return;
    }
    if (packet.isWhole) this.forget();
    this.#backends ??= new Map();
    for (const backend of packet.backends) this.#change(this.#backends, backend);
  }

  /** The server cannot be heard any more. */
  forget(): void {
    this.#backends = undefined;
    this.#byHost.clear();
    this.#forAny.clear();
    this.#isLeaving = false;
  }

  #change(backends: Map<bigint, BackendReport>, backend: BackendReport): void {
    const { id, hosts, servesAny, isGone } = backend;
    for (const host of backends.get(id)?.hosts ?? []) this.#unlist(host, id);
    backends.delete(id);
    this.#forAny.delete(id);
    if (isGone) return;
    backends.set(id, backend);
    if (servesAny) this.#forAny.add(id);
    for (const host of hosts) this.#byHost.set(host, (this.#byHost.get(host) ?? new Set()).add(id));
  }

  #unlist(host: string, id: bigint): void {
    const ids = this.#byHost.get(host);
    ids?.delete(id);
    if (ids?.size === 0) this.#byHost.delete(host);
  }
}
