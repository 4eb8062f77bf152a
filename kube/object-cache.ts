import { type KubeObject, objectMeta, type ResourceType } from "#api";
import {
  backoffDelays,
  describeError,
  isAborted,
  type Logger,
  type Runnable,
  sleep as realSleep,
  type Sleep,
} from "#runtime";
import { ApiError, isApiError } from "./api-error.ts";
import type { KubeClient, ListOptions } from "./client.ts";
import {
  afterLine,
  afterList,
  errorOfLine,
  linesOf,
  listing,
  parseWatchLine,
  type WatchLine,
  type WatchState,
} from "./watch-state.ts";

/** `namespace/name`, or `name` alone for cluster-scoped objects. */
export function keyOfObject({ metadata: { namespace, name } }: KubeObject): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

export interface CacheChange<T> {
  readonly key: string;
  /** As it was; undefined when it is new. */
  readonly before: T | undefined;
  /** As it is; undefined when it is gone. */
  readonly after: T | undefined;
}

/** What a list-watch knows, read without asking the server. Objects come without managedFields. */
export interface ObjectCache<T extends KubeObject> extends Runnable {
  /** True once the first list has arrived. */
  readonly isSynced: boolean;
  get(key: string): T | undefined;
  list(): readonly T[];
  /** Calls back after each change, once the cache shows it. Returns the unsubscriber. */
  onChange(listener: (change: CacheChange<T>) => void): () => void;
  /** Calls back each time the cache follows the server again after a fault. */
  onRecovery(listener: () => void): () => void;
  /** Resolves once synced; rejects when `signal` aborts first. */
  waitForSync(signal: AbortSignal): Promise<void>;
  /** The resourceVersion up to which the cache knows. */
  readonly resourceVersion: string;
  /** Why the cache does not follow the server at the moment; undefined while it does. */
  readonly fault: string | undefined;
}

export interface ObjectCacheOptions extends ListOptions {
  readonly log: Logger;
  readonly sleep?: Sleep;
  /** The longest wait between tries while the server cannot be followed. Defaults to 30 s. */
  readonly longestPauseMs?: number;
}

/**
 * Server-side length of one watch; each ends by itself and is continued where it ended. Short,
 * because nothing else tells a quiet watch from a dead connection: bookmarks come only where
 * something of the kind has changed since the watch began.
 */
const watchSeconds = 90;
/** A watch that has not begun to answer for this long never will. */
const answerMs = 30_000;
/** By then the server has long ended the watch: after such a silence the connection is dead. */
const silenceMs = 110_000;
/** A watch that ended sooner, and told nothing, is not a watch to be repeated at once. */
const briefMs = 1_000;

/**
 * Lists and watches one kind for as long as it runs. Whatever fails is retried with backoff for
 * ever, a bad object is logged and skipped: a cache never stops by itself.
 */
export function createObjectCache<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType<T>,
  options: ObjectCacheOptions,
): ObjectCache<T> {
  return new ListWatchCache(client, type, options);
}

class ListWatchCache<T extends KubeObject> implements ObjectCache<T> {
  readonly name: string;
  readonly #client: KubeClient;
  readonly #type: ResourceType<T>;
  readonly #options: ObjectCacheOptions;
  readonly #log: Logger;
  readonly #sleep: Sleep;
  readonly #objects = new Map<string, T>();
  readonly #listeners = new Set<(change: CacheChange<T>) => void>();
  readonly #recoveryListeners = new Set<() => void>();
  readonly #synced = Promise.withResolvers<void>();
  #isSynced = false;
  #state: WatchState = listing;
  #resourceVersion = "";
  #fault: string | undefined;
  /** How many lines the watches have told. */
  #told = 0;

  constructor(client: KubeClient, type: ResourceType<T>, options: ObjectCacheOptions) {
    this.name = `cache of ${type.plural}`;
    this.#client = client;
    this.#type = type;
    this.#options = options;
    this.#log = options.log.with({ resource: type.plural, group: type.group });
    this.#sleep = options.sleep ?? realSleep;
  }

  get isSynced(): boolean {
    return this.#isSynced;
  }

  get resourceVersion(): string {
    return this.#resourceVersion;
  }

  get fault(): string | undefined {
    return this.#fault;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(): readonly T[] {
    return [...this.#objects.values()];
  }

  onChange(listener: (change: CacheChange<T>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onRecovery(listener: () => void): () => void {
    this.#recoveryListeners.add(listener);
    return () => this.#recoveryListeners.delete(listener);
  }

  async waitForSync(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const aborted = Promise.withResolvers<never>();
    const abort = (): void => aborted.reject(signal.reason as Error);
    signal.addEventListener("abort", abort, { once: true });
    try {
      await Promise.race([this.#synced.promise, aborted.promise]);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    const newDelays = (): Iterator<number, never> =>
      backoffDelays({ minMs: 200, maxMs: this.#options.longestPauseMs ?? 30_000, jitter: 0.3 });
    let delays = newDelays();
    for (;;) {
      const startedAt = performance.now();
      const toldBefore = this.#told;
      const isFine = await this.#advance(signal);
      if (isAborted(signal)) return;
      const isBrief = performance.now() - startedAt < briefMs && this.#told === toldBefore;
      if (!isBrief) delays = newDelays();
      // A server that answers and ends at once must not be asked again at once.
      if (isFine && !isBrief) continue;
      await this.#sleep(delays.next().value, signal).catch(() => undefined);
    }
  }

  /** Lists if need be, then watches; answers whether all went well. */
  async #advance(signal: AbortSignal): Promise<boolean> {
    try {
      signal.throwIfAborted();
      if (this.#state.kind === "listing") this.#state = await this.#list(signal);
      await this.#watch(this.#state, signal);
      return true;
    } catch (error) {
      // Only our own signal ends it: a watch that fell silent aborts its request as well.
      if (!isAborted(signal)) this.#recover(error);
      return false;
    }
  }

  #recover(error: unknown): void {
    const isExpired = isApiError(error, "expired");
    // A line that cannot be read would come again from the same place.
    if (isExpired || error instanceof SyntaxError) this.#state = listing;
    const fault = describeError(error);
    // An outage may last for thousands of tries.
    const level = fault === this.#fault ? "debug" : "warn";
    this.#fault = fault;
    this.#log[level](isExpired ? "Watch is too old, listing again" : "List or watch failed", {
      error: fault,
    });
  }

  async #list(signal: AbortSignal): Promise<WatchState> {
    const { namespace, labelSelector, fieldSelector } = this.#options;
    const selectors = { namespace, labelSelector, fieldSelector };
    const list = await this.#client.list(unchecked(this.#type), selectors, signal);
    const gone = new Set(this.#objects.keys());
    // Listeners take it for the version of what they are told.
    this.#resourceVersion = list.resourceVersion;
    for (const item of list.items.toSorted(byVersion)) {
      const key = this.#put(item);
      if (key !== undefined) gone.delete(key);
    }
    for (const key of gone) this.#drop(key);
    this.#isSynced = true;
    this.#synced.resolve();
    return afterList(list.resourceVersion);
  }

  /** Follows one watch until it ends. */
  async #watch(state: WatchState, signal: AbortSignal): Promise<void> {
    if (state.kind === "listing") return;
    const { namespace, labelSelector, fieldSelector } = this.#options;
    const silence = new AbortController();
    const { resourceVersion } = state;
    const query = { namespace, labelSelector, fieldSelector, resourceVersion };
    const scope = AbortSignal.any([signal, silence.signal]);
    const options = { ...query, timeoutSeconds: watchSeconds };
    let timer = setTimeout(() => silence.abort(), answerMs);
    try {
      const stream = await this.#client.watch(this.#type, options, scope);
      this.#follow();
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), silenceMs);
      for await (const line of linesOf(stream)) {
        timer.refresh();
        this.#receive(parseWatchLine(line));
        this.#told += 1;
      }
    } catch (error) {
      if (!silence.signal.aborted || isAborted(signal)) throw error;
      throw new ApiError("timeout", `Watch of ${this.#type.plural} fell silent`, { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  #follow(): void {
    if (this.#fault === undefined) return;
    this.#fault = undefined;
    for (const listener of this.#recoveryListeners) listener();
  }

  #receive(line: WatchLine): void {
    this.#state = afterLine(line);
    if (line.type === "ERROR") throw errorOfLine(this.#type.plural, line.object);
    this.#resourceVersion = line.object.metadata.resourceVersion ?? this.#resourceVersion;
    if (line.type === "DELETED") this.#drop(keyOfObject(line.object));
    else if (line.type !== "BOOKMARK") this.#put(line.object);
  }

  /** One bad object must not take the others down: it is logged and left out. */
  #put(input: KubeObject): string | undefined {
    const metadata = objectMeta.safeParse(input.metadata);
    if (!metadata.success) return undefined;
    const key = keyOfObject(input);
    const after = this.#parse(key, withoutManagedFields(input));
    if (after === undefined) return key;
    const before = this.#objects.get(key);
    const { resourceVersion } = after.metadata;
    const isKnown = before !== undefined && before.metadata.resourceVersion === resourceVersion;
    if (isKnown && resourceVersion !== undefined) return key;
    this.#objects.set(key, after);
    this.#notify({ key, before, after });
    return key;
  }

  #parse(key: string, input: KubeObject): T | undefined {
    try {
      return this.#type.parse === undefined ? (input as T) : this.#type.parse(input);
    } catch (error) {
      this.#log.error("Cannot read object, keeping its last good state", {
        key,
        error: describeError(error),
      });
      return undefined;
    }
  }

  #drop(key: string): void {
    const before = this.#objects.get(key);
    this.#objects.delete(key);
    if (before !== undefined) this.#notify({ key, before, after: undefined });
  }

  #notify(change: CacheChange<T>): void {
    for (const listener of this.#listeners) listener(change);
  }
}

/** Who set which field takes most of the memory of an object, and nobody asks a cache for it. */
function withoutManagedFields(object: KubeObject): KubeObject {
  const { managedFields: _unread, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** Told in the order in which they changed, whoever follows a cache can go on from any of them. */
function byVersion(a: KubeObject, b: KubeObject): number {
  return versionOf(a) - versionOf(b);
}

function versionOf(object: { readonly metadata?: KubeObject["metadata"] }): number {
  return Number(object.metadata?.resourceVersion ?? 0);
}

/** The same kind, without the check: a list is read item by item. */
function unchecked(type: ResourceType): ResourceType {
  const { group, version, plural, kind, namespaced } = type;
  return { group, version, plural, kind, namespaced };
}
