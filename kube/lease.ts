import { type Lease, leases } from "#api";
import { ignoreNotFound, isApiError } from "./api-error.ts";
import type { KubeClient, ObjectKey } from "./client.ts";

export interface RenewOptions {
  readonly leaseDurationSeconds: number;
  readonly holderIdentity?: string;
}

/** A time as Leases carry it: RFC 3339 with microseconds. */
export function microTime(at: Date): string {
  return at.toISOString().replace("Z", "000Z");
}

/** Renews a heartbeat Lease, which it creates when missing. Not for elections. */
export async function renewLease(
  client: KubeClient,
  key: ObjectKey,
  options: RenewOptions,
  now: Date,
  signal: AbortSignal,
): Promise<void> {
  const spec = { ...options, renewTime: microTime(now) };
  const patched = await ignoreNotFound(client.mergePatch(leases, key, { spec }, signal));
  if (patched !== undefined) return;
  try {
    await client.create(leases, { metadata: { ...key }, spec } as Lease, signal);
  } catch (error) {
    // Somebody was faster; the next renewal finds it.
    if (!isApiError(error, "already_exists")) throw error;
  }
}
