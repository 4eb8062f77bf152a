import type { KubeObject } from "./object-meta.ts";

/**
 * Names one kind of object at one version. `Object` is the shape that reads answer with; it is
 * checked by `parse` when given, else trusted.
 */
export interface ResourceType<Object extends KubeObject = KubeObject> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** Lower-case plural as in URLs, e.g. `managedclusters`. */
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Checks what a server sent. Throws when it is not an `Object`. */
  readonly parse?: (input: unknown) => Object;
}

/** `group/version`, or `version` alone in the core group. */
export function apiVersionOf({ group, version }: Pick<ResourceType, "group" | "version">): string {
  return group === "" ? version : `${group}/${version}`;
}
