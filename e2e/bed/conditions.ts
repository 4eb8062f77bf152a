/** Reads the status of a condition such as `Ready` from an object of any kind. */
export function conditionStatus(object: unknown, type: string): string | undefined {
  const conditions = at(object, "status", "conditions");
  if (!Array.isArray(conditions)) return undefined;
  const found: unknown = conditions.find((condition) => at(condition, "type") === type);
  const status = at(found, "status");
  return typeof status === "string" ? status : undefined;
}

/** The value at a path of names, or `undefined` where the path leads nowhere. */
export function at(object: unknown, ...path: readonly string[]): unknown {
  let value = object;
  for (const name of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return value;
}
