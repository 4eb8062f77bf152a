import { hash } from "node:crypto";
import { decodeJwt, errors, type JWTVerifyGetKey, jwtVerify } from "jose";
import { createExpiringCache, describeError, type Logger } from "#runtime";
import type { ReviewToken } from "../token-review.ts";
import type { User } from "../user.ts";
import { type ClaimMapping, userOfClaims } from "./claims.ts";

/** Signatures that only the issuer's private key makes. */
export const signingAlgorithms = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
] as const;
export type SigningAlgorithm = (typeof signingAlgorithms)[number];

export interface OidcOptions extends ClaimMapping {
  /** Whom tokens must be for. */
  readonly clientId: string;
  readonly algorithms: readonly SigningAlgorithm[];
}

/** How far the issuer's clock and ours may differ. */
const clockToleranceSeconds = 10;
const ttlMs = 10_000;

interface Verdict {
  readonly user: User | undefined;
  readonly untilMs: number;
}

/**
 * Reads tokens of one issuer by itself, and leaves all others to `otherwise`. A token of the issuer
 * is never sent anywhere, whether it is good or not. What it says counts for ten seconds, and never
 * longer than the token.
 */
export function createOidc(
  options: OidcOptions,
  keys: JWTVerifyGetKey,
  otherwise: ReviewToken,
  log: Logger,
): ReviewToken {
  const cache = createExpiringCache<Verdict>({
    ttlMs: ({ untilMs }) => Math.min(ttlMs, untilMs - Date.now()),
    maxEntries: 4096,
  });
  return async (token) => {
    if (issuerOf(token) !== options.issuerUrl) return otherwise(token);
    try {
      // The cache must not hold tokens.
      const key = hash("sha256", token, "base64");
      return (await cache.get(key, async () => verify(token, options, keys))).user;
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error;
      log.debug("Token of the issuer is not accepted", { error: describeError(error) });
      return undefined;
    }
  };
}

function issuerOf(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined;
  }
}

async function verify(
  token: string,
  options: OidcOptions,
  keys: JWTVerifyGetKey,
): Promise<Verdict> {
  const { payload } = await jwtVerify(token, keys, {
    issuer: options.issuerUrl,
    audience: options.clientId,
    algorithms: [...options.algorithms],
    requiredClaims: ["exp"],
    clockTolerance: clockToleranceSeconds,
  });
  return { user: userOfClaims(payload, options), untilMs: (payload.exp ?? 0) * 1000 };
}
