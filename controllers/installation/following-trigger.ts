import type { KubeObject, ResourceType } from "#api";
import { createObjectCache, type KubeClient, type ObjectCache, type Trigger } from "#kube";
import type { Logger, Runnable } from "#runtime";

/** Objects whose changes are of interest: one by name, or all of a namespace. */
export interface Target {
  readonly type: ResourceType;
  readonly namespace: string;
  readonly name?: string | undefined;
}

/**
 * Tells of changes of objects whose names only a configuration knows. `follow` says which; each
 * change tells the key that `keysOf` makes of the object.
 */
export interface FollowingTrigger extends Trigger, Runnable {
  /** Replaces what is followed. Cheap when nothing differs. */
  follow(targets: readonly Target[]): void;
}

/** Runs one watch for each target, from when it is named until it is no longer. */
export function createFollowingTrigger(
  client: KubeClient,
  name: string,
  keysOf: (object: KubeObject) => readonly string[],
  log: Logger,
): FollowingTrigger {
  return new Following(client, name, keysOf, log);
}

interface Followed {
  readonly cache: ObjectCache<KubeObject>;
  readonly stop: AbortController;
}

class Following implements FollowingTrigger {
  readonly name: string;
  readonly #client: KubeClient;
  readonly #keysOf: (object: KubeObject) => readonly string[];
  readonly #log: Logger;
  readonly #listeners = new Set<(key: string) => void>();
  readonly #followed = new Map<string, Followed>();
  readonly #running = new Set<Promise<void>>();
  #signal: AbortSignal | undefined;

  constructor(
    client: KubeClient,
    name: string,
    keysOf: (object: KubeObject) => readonly string[],
    log: Logger,
  ) {
    this.name = name;
    this.#client = client;
    this.#keysOf = keysOf;
    this.#log = log;
  }

  follow(targets: readonly Target[]): void {
    const wanted = new Map(targets.map((target) => [keyOf(target), target]));
    for (const [key, { stop }] of this.#followed) {
      if (wanted.has(key)) continue;
      stop.abort();
      this.#followed.delete(key);
    }
    for (const [key, target] of wanted) {
      if (!this.#followed.has(key)) this.#followed.set(key, this.#begin(target));
    }
  }

  subscribe(enqueue: (key: string) => void): () => void {
    this.#listeners.add(enqueue);
    return () => this.#listeners.delete(enqueue);
  }

  async waitForSync(): Promise<void> {
    // What is followed comes from a reconcile, so none of it can be waited for before the first.
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    for (const followed of this.#followed.values()) this.#start(followed, signal);
    const stopped = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => stopped.resolve(), { once: true });
    if (!signal.aborted) await stopped.promise;
    await Promise.allSettled(this.#running);
  }

  #begin({ type, namespace, name }: Target): Followed {
    const { group, version, plural, kind, namespaced } = type;
    const cache = createObjectCache<KubeObject>(
      this.#client,
      { group, version, plural, kind, namespaced },
      {
        namespace,
        ...(name === undefined ? {} : { fieldSelector: `metadata.name=${name}` }),
        log: this.#log,
      },
    );
    cache.onChange(({ before, after }) => {
      const object = after ?? before;
      if (object === undefined) return;
      for (const key of this.#keysOf(object)) {
        for (const tell of this.#listeners) tell(key);
      }
    });
    const followed = { cache, stop: new AbortController() };
    if (this.#signal !== undefined) this.#start(followed, this.#signal);
    return followed;
  }

  #start({ cache, stop }: Followed, signal: AbortSignal): void {
    const running = cache.run(AbortSignal.any([signal, stop.signal])).finally(() => {
      this.#running.delete(running);
    });
    this.#running.add(running);
  }
}

function keyOf({ type, namespace, name = "" }: Target): string {
  return `${type.group}/${type.plural}/${namespace}/${name}`;
}
