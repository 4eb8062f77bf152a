import type { KubeObject } from "#api";

/** True for what is there, and not on its way out. */
export function isStaying(object: KubeObject | undefined): boolean {
  return object !== undefined && object.metadata.deletionTimestamp === undefined;
}
