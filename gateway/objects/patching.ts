/** A patch that cannot be applied to the object that it is for. */
export class PatchError extends Error {
  override readonly name = "PatchError";
}

type Json = unknown;
type JsonObject = Readonly<Record<string, Json>>;

/** JSON merge patch (RFC 7396): arrays are replaced whole, `null` removes. Pure. */
export function mergePatch(target: Json, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const merged = new Map(isObject(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, mergePatch(merged.get(key), value));
  }
  return Object.fromEntries(merged);
}

/** As many as API servers apply. */
const maxOperations = 10_000;

/** JSON patch (RFC 6902). Pure. Throws a {@link PatchError}; nothing is applied in part. */
export function jsonPatch(target: Json, operations: Json): Json {
  if (!Array.isArray(operations) || operations.length > maxOperations) {
    throw new PatchError("a JSON patch is a list of at most 10000 operations");
  }
  return operations.reduce<Json>(applyOperation, target);
}

function applyOperation(target: Json, operation: Json): Json {
  if (!isObject(operation)) throw new PatchError("an operation of a JSON patch is an object");
  const path = pointerOf(operation["path"], "path");
  const { op, value } = operation;
  switch (op) {
    case "add":
      return put(target, path, required(value), "insert");
    case "replace":
      find(target, path);
      return path.length === 0 ? value : put(target, path, required(value), "replace");
    case "remove":
      return remove(target, path);
    case "test":
      if (!isEqual(find(target, path), value)) throw new PatchError(`test of ${show(path)} failed`);
      return target;
    case "copy":
      return put(target, path, find(target, pointerOf(operation["from"], "from")), "insert");
    case "move":
      return move(target, pointerOf(operation["from"], "from"), path);
    default:
      throw new PatchError(`operation ${JSON.stringify(op)} is not known`);
  }
}

function move(target: Json, from: readonly string[], path: readonly string[]): Json {
  if (path.length > from.length && from.every((part, at) => part === path[at])) {
    throw new PatchError(`${show(from)} cannot be moved into itself`);
  }
  return put(remove(target, from), path, find(target, from), "insert");
}

/** The parts of a JSON pointer (RFC 6901). */
function pointerOf(text: Json, field: string): readonly string[] {
  if (typeof text !== "string" || (text !== "" && !text.startsWith("/"))) {
    throw new PatchError(`field ${field} of an operation is not a JSON pointer`);
  }
  const parts = text.split("/").slice(1);
  return parts.map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function find(target: Json, path: readonly string[]): Json {
  let found = target;
  for (const part of path) {
    found = Array.isArray(found)
      ? (found[indexOf(part, found.length - 1, path)] as Json)
      : memberOf(found, part);
    if (found === undefined) throw new PatchError(`${show(path)} does not exist`);
  }
  return found;
}

function memberOf(target: Json, key: string): Json {
  return isObject(target) && Object.hasOwn(target, key) ? target[key] : undefined;
}

/** The document with what is at `path` changed by `change`, which is told the container and the key. */
function changed(
  target: Json,
  path: readonly string[],
  change: (container: Json, key: string) => Json,
): Json {
  const [key = "", ...rest] = path;
  if (path.length <= 1) return change(target, key);
  const inner = changed(find(target, [key]), rest, change);
  if (Array.isArray(target)) return target.with(Number(key), inner);
  return { ...(target as JsonObject), [key]: inner };
}

function put(target: Json, path: readonly string[], value: Json, how: "insert" | "replace"): Json {
  if (path.length === 0) return value;
  return changed(target, path, (container, key) => {
    if (isObject(container))
      return Object.fromEntries([...Object.entries(container), [key, value]]);
    if (!Array.isArray(container)) throw new PatchError(`${show(path)} has nothing to be put in`);
    if (how === "replace") return container.with(Number(key), value);
    const at = key === "-" ? container.length : indexOf(key, container.length, path);
    return container.toSpliced(at, 0, value);
  });
}

function remove(target: Json, path: readonly string[]): Json {
  find(target, path);
  if (path.length === 0) return null;
  return changed(target, path, (container, key) => {
    if (Array.isArray(container)) return container.toSpliced(Number(key), 1);
    return Object.fromEntries(Object.entries(container as JsonObject).filter(([k]) => k !== key));
  });
}

function indexOf(part: string, max: number, path: readonly string[]): number {
  const index = /^(?:0|[1-9]\d{0,8})$/.test(part) ? Number(part) : Number.NaN;
  if (index >= 0 && index <= max) return index;
  throw new PatchError(`${show(path)} is no place in a list`);
}

function required(value: Json): Json {
  if (value === undefined) throw new PatchError("an operation has no value");
  return value;
}

function isEqual(a: Json, b: Json): boolean {
  if (!isObject(a) || !isObject(b)) {
    if (!Array.isArray(a) || !Array.isArray(b)) return a === b;
    return a.length === b.length && a.every((item, at) => isEqual(item, b[at]));
  }
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && isEqual(a[key], b[key]))
  );
}

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function show(path: readonly string[]): string {
  return `"/${path.join("/")}"`;
}
