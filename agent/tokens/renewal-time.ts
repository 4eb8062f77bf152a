/** The life of a token: when it came to the hub, and when it ends. Both in ms since 1970. */
export interface TokenLife {
  readonly refreshedAtMs: number;
  readonly expiresAtMs: number;
}

/** Waited beyond the threshold, so that the look that follows is surely past it. */
const marginMs = 5_000;
/** However short the issued tokens live, or wrong a clock is, there is this much between two. */
const minBetweenRefreshesMs = 60_000;

/** When a token is to be renewed: at four fifths of its life. */
export function renewalTimeMs({ refreshedAtMs, expiresAtMs }: TokenLife): number {
  return refreshedAtMs + ((expiresAtMs - refreshedAtMs) / 5) * 4;
}

/** True when the token has to be renewed now. */
export function isRenewalDue(life: TokenLife, nowMs: number): boolean {
  const sinceRefreshMs = nowMs - life.refreshedAtMs;
  if (sinceRefreshMs >= 0 && sinceRefreshMs < minBetweenRefreshesMs) return false;
  return nowMs > renewalTimeMs(life);
}

/** How long to wait before looking whether the renewal is due. */
export function renewalDelayMs(life: TokenLife, nowMs: number): number {
  return Math.max(renewalTimeMs(life) - nowMs, 0) + marginMs;
}
