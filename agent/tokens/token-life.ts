import type { ManagedServiceAccount, TokenClaims } from "#api";
import type { TokenLife } from "./renewal-time.ts";
import { readValidity } from "./validity.ts";

/** Clocks of different machines, and whole seconds, may differ by this much without a meaning. */
const toleranceMs = 2_000;

/**
 * The life of the held token, or undefined when none was reported. The token's own word counts where
 * the report is not about it: it was made later, by an agent that died before it could report, it
 * ends earlier, as one does that somebody has put back, or later and yet no later than was asked for.
 * One that ends later than that was stretched by the API server, which reported when it should end.
 */
export function lifeOf(
  account: ManagedServiceAccount,
  claims: TokenClaims | undefined,
): TokenLife | undefined {
  const reported = reportedLife(account);
  const own = ownLife(claims);
  if (reported === undefined || own === undefined) return reported;
  const isNewer = own.refreshedAtMs > reported.refreshedAtMs + toleranceMs;
  const endsEarlier = own.expiresAtMs < reported.expiresAtMs - toleranceMs;
  const endsLater = own.expiresAtMs > reported.expiresAtMs + toleranceMs;
  return isNewer || endsEarlier || (endsLater && isAsAsked(account, own)) ? own : reported;
}

function isAsAsked(account: ManagedServiceAccount, own: TokenLife): boolean {
  const validity = readValidity(account);
  if (validity.kind === "unusable") return false;
  return own.expiresAtMs - own.refreshedAtMs <= validity.seconds * 1000 + toleranceMs;
}

function reportedLife({ status }: ManagedServiceAccount): TokenLife | undefined {
  const refreshedAtMs = Date.parse(status.tokenSecretRef?.lastRefreshTimestamp ?? "");
  const expiresAtMs = Date.parse(status.expirationTimestamp ?? "");
  if (Number.isNaN(refreshedAtMs) || Number.isNaN(expiresAtMs)) return undefined;
  return { refreshedAtMs, expiresAtMs };
}

function ownLife(claims: TokenClaims | undefined): TokenLife | undefined {
  const { issuedAtMs, expiresAtMs } = claims ?? {};
  if (issuedAtMs === undefined || expiresAtMs === undefined) return undefined;
  return { refreshedAtMs: issuedAtMs, expiresAtMs };
}
