import type { Transport } from "./transport.ts";

/** The transports of many upstreams, by name, each made for one state of its settings. */
export interface TransportPool {
  /**
   * The transport of `key` for settings with this fingerprint, made if need be. A transport for
   * earlier settings takes no more requests; what it carries goes on.
   */
  get(key: string, fingerprint: string, make: () => Transport): Transport;
  /** Retires one that is no longer wanted. */
  close(key: string): void;
  /** Ends all of them. */
  destroy(): void;
}

/** Makes an empty pool. */
export function createTransportPool(): TransportPool {
  const entries = new Map<
    string,
    { readonly fingerprint: string; readonly transport: Transport }
  >();
  const retired = new Set<WeakRef<Transport>>();
  const retire = (transport: Transport) => {
    transport.close();
    for (const old of retired) if (old.deref() === undefined) retired.delete(old);
    retired.add(new WeakRef(transport));
  };
  return {
    get(key, fingerprint, make) {
      const entry = entries.get(key);
      if (entry?.fingerprint === fingerprint) return entry.transport;
      // Made before the old one goes: settings that cannot be used must not cost what works.
      const transport = make();
      if (entry !== undefined) retire(entry.transport);
      entries.set(key, { fingerprint, transport });
      return transport;
    },
    close(key) {
      const entry = entries.get(key);
      entries.delete(key);
      if (entry !== undefined) retire(entry.transport);
    },
    destroy() {
      for (const { transport } of entries.values()) transport.destroy();
      for (const old of retired) old.deref()?.destroy();
      entries.clear();
    },
  };
}
