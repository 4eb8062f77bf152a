// The X.509 library finds its algorithms through a container that wants decorator metadata, a
// proposal that never became part of the language. This is as much of it as the container uses.

const metadata = new WeakMap<object, Map<unknown, unknown>>();

function ownMetadata(key: unknown, target: object): unknown {
  return metadata.get(target)?.get(key);
}

function inheritedMetadata(key: unknown, target: object): unknown {
  for (let at: object | null = target; at !== null; at = Reflect.getPrototypeOf(at)) {
    if (metadata.get(at)?.has(key) === true) return ownMetadata(key, at);
  }
  return undefined;
}

function defineMetadata(key: unknown, value: unknown, target: object): void {
  const entries = metadata.get(target) ?? new Map<unknown, unknown>();
  metadata.set(target, entries.set(key, value));
}

if (!("getMetadata" in Reflect)) {
  Object.assign(Reflect, {
    defineMetadata,
    getMetadata: inheritedMetadata,
    getOwnMetadata: ownMetadata,
    hasOwnMetadata: (key: unknown, target: object) => metadata.get(target)?.has(key) ?? false,
  });
}
