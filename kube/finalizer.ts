import type { KubeObject } from "#api";

/**
 * Where an object stands between creation and removal:
 *
 * - `adopt`: live, and our finalizer has yet to be added. Add it before creating anything.
 * - `live`: live and ours. Reconcile.
 * - `release`: going away, and ours. Clean up, then remove the finalizer.
 * - `gone`: going away, and no longer ours. Do nothing.
 */
export type DeletionPhase = "adopt" | "live" | "release" | "gone";

export function deletionPhase({ metadata }: KubeObject, finalizer: string): DeletionPhase {
  const isOurs = metadata.finalizers?.includes(finalizer) ?? false;
  if (metadata.deletionTimestamp !== undefined) return isOurs ? "release" : "gone";
  return isOurs ? "live" : "adopt";
}
