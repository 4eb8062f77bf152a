import type { Lease } from "#api";

/** Whether a Lease still counts: renewed, or else acquired, less than its duration ago. */
function isValid({ spec }: Lease, nowMs: number): boolean {
  const at = spec?.renewTime ?? spec?.acquireTime;
  const seconds = spec?.leaseDurationSeconds;
  if (at === undefined || seconds === undefined) return false;
  return Date.parse(at) + seconds * 1000 > nowMs;
}

/** How many tunnel servers are alive by their Leases. */
export function countValidLeases(leases: readonly Lease[], nowMs: number): number {
  return leases.filter((lease) => isValid(lease, nowMs)).length;
}
