import type { Lease } from "#api";

/** When a Lease ends, in milliseconds since 1970; `undefined` for one that does not say. */
export function leaseEndMs({ spec }: Lease): number | undefined {
  const at = spec?.renewTime ?? spec?.acquireTime;
  const seconds = spec?.leaseDurationSeconds;
  if (at === undefined || seconds === undefined) return undefined;
  return Date.parse(at) + seconds * 1000;
}

/** Whether a Lease still counts: renewed, or else acquired, less than its duration ago. */
export function isLeaseValid(lease: Lease, nowMs: number): boolean {
  const endMs = leaseEndMs(lease);
  return endMs !== undefined && endMs > nowMs;
}
