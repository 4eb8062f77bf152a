import * as z from "zod";

/** A JSON Schema as the API server takes it in a CustomResourceDefinition. */
export interface StructuralSchema {
  readonly [keyword: string]: unknown;
}

/** Keywords that come first, so that the YAML reads like the objects it describes. */
const leadingKeywords = new Set(["description", "type", "format"]);

/**
 * The structural OpenAPI v3 schema of what people write, that is of the schema's input. Only plain
 * values have defaults there: a default for a whole object would show up in objects that never
 * had one.
 */
export function structuralSchema(schema: z.ZodType): StructuralSchema {
  const json = z.toJSONSchema(schema, { target: "openapi-3.0", io: "input", reused: "inline" });
  return restructure(json);
}

function restructure(schema: StructuralSchema): StructuralSchema {
  const entries = Object.entries(schema)
    .filter(([keyword, value]) => isKept(keyword, value))
    .map(([keyword, value]) => [keyword, restructureKeyword(keyword, value)] as const);
  return Object.fromEntries([
    ...entries.filter(([keyword]) => leadingKeywords.has(keyword)),
    ...entries.filter(([keyword]) => !leadingKeywords.has(keyword)),
  ]);
}

function isKept(keyword: string, value: unknown): boolean {
  switch (keyword) {
    case "$schema":
      return false;
    case "additionalProperties":
      return value !== false;
    case "default":
      return typeof value !== "object";
    // Zod bounds every integer by what JavaScript can hold.
    case "minimum":
      return value !== Number.MIN_SAFE_INTEGER;
    case "maximum":
      return value !== Number.MAX_SAFE_INTEGER;
    default:
      return true;
  }
}

function restructureKeyword(keyword: string, value: unknown): unknown {
  switch (keyword) {
    case "properties":
      return Object.fromEntries(
        Object.entries(value as Record<string, StructuralSchema>).map(([name, property]) => [
          name,
          restructure(property),
        ]),
      );
    case "items":
    case "additionalProperties":
      return restructure(value as StructuralSchema);
    default:
      return value;
  }
}
