import type { KubeObject } from "#api";
import { keyOfObject, type ObjectCache } from "./object-cache.ts";

/**
 * A cache that also shows what this process has just written. Without it, a reconciler that is
 * woken by the first of its own two writes decides on the state before the second.
 */
export interface FreshView<T extends KubeObject> {
  get(key: string): T | undefined;
  /** Takes the object that a write answered with; the cache's word counts again once it is as new. */
  wrote(object: T): void;
}

/** A view over `cache`, which must see every object that is passed to `wrote`. */
export function createFreshView<T extends KubeObject>(
  cache: Pick<ObjectCache<T>, "get" | "onChange" | "resourceVersion">,
): FreshView<T> {
  const written = new Map<string, T>();
  const fresh = (key: string): T | undefined => {
    const object = written.get(key);
    if (object === undefined) return undefined;
    if (isOlder(cache.resourceVersion, object.metadata.resourceVersion)) return object;
    written.delete(key);
    return undefined;
  };
  cache.onChange(({ key }) => void fresh(key));
  return {
    get: (key) => fresh(key) ?? cache.get(key),
    wrote: (object) => void written.set(keyOfObject(object), object),
  };
}

/** Resource versions of one API server are decimal numbers that grow. */
function isOlder(known: string, written: string | undefined): boolean {
  if (written === undefined || !/^\d+$/.test(written)) return false;
  return !/^\d+$/.test(known) || BigInt(known) < BigInt(written);
}
