/** Remembers answers for a while, and asks once for all who wait for the same one. */
export interface ExpiringCache<Value> {
  /** The remembered answer, or what `ask` says. A rejection is passed on and not remembered. */
  get(key: string, ask: () => Promise<Value>): Promise<Value>;
  /** The remembered answer, if there is one. */
  peek(key: string): Value | undefined;
}

export interface ExpiringCacheOptions<Value> {
  /** How long an answer counts. */
  readonly ttlMs: (value: Value) => number;
  /** Answers that are kept at most; the oldest goes first. */
  readonly maxEntries: number;
  readonly now?: () => number;
}

/** Makes an empty cache. */
export function createExpiringCache<Value>({
  ttlMs,
  maxEntries,
  now = Date.now,
}: ExpiringCacheOptions<Value>): ExpiringCache<Value> {
  const entries = new Map<string, { readonly value: Value; readonly untilMs: number }>();
  const pending = new Map<string, Promise<Value>>();
  const peek = (key: string): Value | undefined => {
    const entry = entries.get(key);
    if (entry === undefined) return undefined;
    if (now() < entry.untilMs) return entry.value;
    entries.delete(key);
    return undefined;
  };
  const askOnce = async (key: string, ask: () => Promise<Value>): Promise<Value> => {
    try {
      const value = await ask();
      entries.delete(key);
      entries.set(key, { value, untilMs: now() + ttlMs(value) });
      const [oldest] = entries.keys();
      if (entries.size > maxEntries && oldest !== undefined) entries.delete(oldest);
      return value;
    } finally {
      pending.delete(key);
    }
  };
  return {
    peek,
    async get(key, ask) {
      const known = peek(key);
      if (known !== undefined) return known;
      const underWay = pending.get(key) ?? askOnce(key, ask);
      pending.set(key, underWay);
      return underWay;
    },
  };
}
