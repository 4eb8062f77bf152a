import { isNewer } from "./convert.ts";

/** One change of a watched collection. */
export interface Change<Item> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  /** As it is, or as it last was. */
  readonly item: Item;
  /** As it was before; `undefined` for a new one. */
  readonly before: Item | undefined;
  readonly resourceVersion: string;
  /**
   * Something else than the object that versions are taken from has changed: a version alone does
   * not tell whether a client has seen it.
   */
  readonly isOutOfOrder: boolean;
}

/** The last changes of a collection, so that a watch can go on from where a list ended. */
export interface ChangeLog<Item> {
  append(change: Change<Item>): void;
  /** The changes after `resourceVersion`, or `undefined` when some of them are forgotten. */
  since(resourceVersion: string): readonly Change<Item>[] | undefined;
  /** Calls back for each change. Returns the unsubscriber. */
  onAppend(listener: (change: Change<Item>) => void): () => void;
}

/** Makes a log that knows everything after `resourceVersion`, and keeps `maxChanges`. */
export function createChangeLog<Item>(
  startVersion: () => string,
  maxChanges = 1000,
): ChangeLog<Item> {
  const changes: Change<Item>[] = [];
  const listeners = new Set<(change: Change<Item>) => void>();
  let forgotten: string | undefined;
  return {
    append(change) {
      changes.push(change);
      if (changes.length > maxChanges) forgotten = changes.shift()?.resourceVersion;
      for (const listener of listeners) listener(change);
    },
    since(resourceVersion) {
      if (isNewer(forgotten ?? startVersion(), resourceVersion)) return undefined;
      return changes.filter((change) => isAfter(change, resourceVersion));
    },
    onAppend(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Whether a client that knows all up to `resourceVersion` has yet to hear of a change. */
export function isAfter(
  change: Pick<Change<unknown>, "resourceVersion" | "isOutOfOrder">,
  resourceVersion: string,
): boolean {
  if (change.isOutOfOrder) return !isNewer(resourceVersion, change.resourceVersion);
  return isNewer(change.resourceVersion, resourceVersion);
}
