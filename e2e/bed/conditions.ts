/** Finds a condition such as `Ready` in an object of any kind. */
export function findCondition(object: unknown, type: string): unknown {
  const conditions = at(object, "status", "conditions");
  if (!Array.isArray(conditions)) return undefined;
  return conditions.find((condition) => at(condition, "type") === type);
}

/** Reads the status of a condition, or `undefined` where there is none of that type. */
export function conditionStatus(object: unknown, type: string): string | undefined {
  const status = at(findCondition(object, type), "status");
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
