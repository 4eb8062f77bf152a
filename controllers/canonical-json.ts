/**
 * JSON with the keys of every object in order, so that equal values have equal texts. Keys whose
 * value is `undefined` do not count, as in JSON.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return inner;
    const entries = Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(entries);
  });
}

/** True when both say the same, whatever the order of their keys. */
export function isSame(a: unknown, b: unknown): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

/**
 * True when all that `wanted` says is in `observed`; objects there may say more, lists may not.
 * Servers add defaults to what they are given.
 */
export function isContained(wanted: unknown, observed: unknown): boolean {
  if (wanted === undefined) return true;
  if (Array.isArray(wanted)) {
    if (!Array.isArray(observed) || wanted.length !== observed.length) return false;
    return wanted.every((item, index) => isContained(item, observed[index]));
  }
  if (typeof wanted !== "object" || wanted === null) return wanted === observed;
  if (typeof observed !== "object" || observed === null) return false;
  const there = observed as Readonly<Record<string, unknown>>;
  return Object.entries(wanted).every(([key, value]) => isContained(value, there[key]));
}
