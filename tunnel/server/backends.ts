import type { BackendReport } from "../wire/packet.ts";
import type { Backend } from "./backend.ts";
import { hostOfAddress } from "./dest-host.ts";

/** How a backend is found for a dial; the names are those of `--proxy-strategies`. */
export type StrategyName = "default" | "destHost" | "defaultRoute";

export const strategyNames: readonly StrategyName[] = ["default", "destHost", "defaultRoute"];

interface Strategy {
  /** Under which keys a backend is kept; none when the strategy does not concern it. */
  readonly keysOf: (backend: Backend) => readonly string[];
  /** Under which key to look for an address; `undefined` for any. */
  readonly keyOf: (address: string) => string | undefined;
  /** Whether the keys are agents, any of which may be asked for any host. */
  readonly isForAnyHost: boolean;
}

const strategies: Readonly<Record<StrategyName, Strategy>> = {
  default: { keysOf: ({ agentId }) => [agentId], keyOf: () => undefined, isForAnyHost: true },
  destHost: {
    keysOf: ({ identifiers: { hosts, ipv4, ipv6 } }) => [...new Set([...ipv4, ...ipv6, ...hosts])],
    keyOf: hostOfAddress,
    isForAnyHost: false,
  },
  defaultRoute: {
    keysOf: ({ agentId, identifiers }) => (identifiers.isDefaultRoute ? [agentId] : []),
    keyOf: () => undefined,
    isForAnyHost: true,
  },
};

/** All agents that are connected, as one strategy sees them. */
class StrategyIndex {
  readonly name: StrategyName;
  readonly #strategy: Strategy;
  readonly #backends = new Map<string, Set<Backend>>();

  constructor(name: StrategyName) {
    this.name = name;
    this.#strategy = strategies[name];
  }

  /** Number of distinct keys. */
  get size(): number {
    return this.#backends.size;
  }

  add(backend: Backend): void {
    for (const key of this.#strategy.keysOf(backend)) {
      const backends = this.#backends.get(key) ?? new Set();
      this.#backends.set(key, backends.add(backend));
    }
  }

  remove(backend: Backend): void {
    for (const key of this.#strategy.keysOf(backend)) {
      const backends = this.#backends.get(key);
      backends?.delete(backend);
      if (backends?.size === 0) this.#backends.delete(key);
    }
  }

  /** Which hosts lead to a backend. */
  reachOf(backend: Backend): readonly string[] | "any" {
    const keys = this.#strategy.keysOf(backend);
    return keys.length > 0 && this.#strategy.isForAnyHost ? "any" : keys;
  }

  candidates(address: string): readonly Backend[] {
    const key = this.#strategy.keyOf(address);
    if (key !== undefined) return [...(this.#backends.get(key) ?? [])];
    return this.#backends
      .values()
      .flatMap((backends) => backends.values())
      .toArray();
  }
}

/** All agents that are connected, and the choice of one for a dial. */
export class Backends {
  readonly #indexes: readonly StrategyIndex[];
  readonly #random: () => number;
  readonly #all = new Set<Backend>();
  readonly #listeners = new Set<(changed: BackendReport) => void>();

  /** Strategies are asked in this order until one knows a backend. */
  constructor(names: readonly StrategyName[], random: () => number = Math.random) {
    this.#indexes = names.map((name) => new StrategyIndex(name));
    this.#random = random;
  }

  add(backend: Backend): void {
    for (const index of this.#indexes) index.add(backend);
    this.#all.add(backend);
    this.changed(backend);
  }

  remove(backend: Backend): void {
    for (const index of this.#indexes) index.remove(backend);
    this.#all.delete(backend);
    this.changed(backend);
  }

  /** A backend has come, gone or begun to drain: whoever listens is told. */
  changed(backend: Backend): void {
    const report = this.#reportOf(backend);
    for (const listener of this.#listeners) listener(report);
  }

  onChange(listener: (changed: BackendReport) => void): void {
    this.#listeners.add(listener);
  }

  /** What each backend reaches, as dials are answered. */
  reports(): readonly BackendReport[] {
    return [...this.#all].map((backend) => this.#reportOf(backend));
  }

  /** Whether the first strategy knows any agent at all. */
  get isEmpty(): boolean {
    return (this.#indexes[0]?.size ?? 0) === 0;
  }

  /** Number of keys of each strategy, for metrics. */
  sizes(): readonly (readonly [StrategyName, number])[] {
    return this.#indexes.map(({ name, size }) => [name, size]);
  }

  /** The backend for `address`: not draining if possible, then the one with the least to do. */
  pick(address: string): Backend | undefined {
    for (const index of this.#indexes) {
      const candidates = index.candidates(address);
      if (candidates.length > 0) return leastLoaded(candidates, this.#random);
    }
    return undefined;
  }

  #reportOf(backend: Backend): BackendReport {
    const { id, isDraining } = backend;
    const reaches = this.#indexes.map((index) => index.reachOf(backend));
    return {
      id,
      isGone: !this.#all.has(backend),
      isDraining,
      servesAny: reaches.includes("any"),
      hosts: [...new Set(reaches.flatMap((reach) => (reach === "any" ? [] : reach)))],
    };
  }
}

/** Equals are chosen between at random, so that two idle replicas share the work. */
function leastLoaded(candidates: readonly Backend[], random: () => number): Backend | undefined {
  const active = candidates.filter(({ isDraining }) => !isDraining);
  const eligible = active.length > 0 ? active : candidates;
  const least = Math.min(...eligible.map(({ load }) => load));
  const equals = eligible.filter(({ load }) => load === least);
  return equals[Math.floor(random() * equals.length)];
}
