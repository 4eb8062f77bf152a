import { readTokenClaims, type Secret, tokenSecretKeys } from "#api";

/** An account's token as its Secret holds it. Never logged, never part of a message. */
export interface TokenContent {
  readonly text: string;
  readonly expiresAtMs: number;
}

/**
 * Reads the token of an account's Secret; undefined where there is none that could be used. Whether
 * the cluster takes it is the cluster's to say: nothing is verified here.
 */
export function readToken(secret: Secret | undefined): TokenContent | undefined {
  const encoded = secret?.data?.[tokenSecretKeys.token] ?? "";
  const text = Buffer.from(encoded, "base64").toString("utf8").trim();
  const expiresAtMs = readTokenClaims(text)?.expiresAtMs;
  // It becomes part of a header, where anything else could write a second one.
  if (expiresAtMs === undefined || !/^[\x21-\x7e]+$/.test(text)) return undefined;
  return { text, expiresAtMs };
}
