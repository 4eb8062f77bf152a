import { createHash } from "node:crypto";
import type { KubeObject } from "#api";
import { canonicalJson } from "../../canonical-json.ts";

const notSpec: ReadonlySet<string> = new Set(["apiVersion", "kind", "metadata", "status"]);

/** What Go's JSON encoder writes as escapes, so that both suites compute the same hash. */
const escaped = /[<>&\u2028\u2029]/g;

/**
 * The hash by which OCM knows one state of a configuration: of everything in it except type,
 * metadata and status. Takes the object as the API server sent it, without defaults of ours.
 */
export function specHash(object: KubeObject): string {
  const spec = Object.fromEntries(Object.entries(object).filter(([key]) => !notSpec.has(key)));
  const json = canonicalJson(spec).replaceAll(
    escaped,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return createHash("sha256").update(json).digest("hex");
}
