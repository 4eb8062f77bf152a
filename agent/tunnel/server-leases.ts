import type { Lease } from "#api";
import { isLeaseValid } from "#kube";

/** How many tunnel servers are alive by their Leases. */
export function countValidLeases(leases: readonly Lease[], nowMs: number): number {
  return leases.filter((lease) => isLeaseValid(lease, nowMs)).length;
}
