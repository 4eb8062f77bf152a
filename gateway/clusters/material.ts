import { X509Certificate } from "node:crypto";
import type { Secret } from "#api";

/** The text under a key of a Secret; empty without it. */
export function textOf({ data = {} }: Secret, key: string): string {
  return decode(data[key] ?? "");
}

/** The text of base64. */
export function decode(base64: string): string {
  return Buffer.from(base64, "base64").toString("utf8");
}

/** True for what may stand in an `Authorization` field, where anything else could write a second one. */
export function isBearerToken(token: string): boolean {
  return /^[\x21-\x7e]+$/.test(token);
}

/** The certificates of a PEM bundle; whatever stands between them is left out. Throws for a broken one. */
export function caCertificates(pem: string): readonly string[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  for (const block of blocks) void new X509Certificate(block);
  return blocks;
}

/** True for PEM with at least one certificate, all of which can be read. */
export function isCaBundle(pem: string): boolean {
  try {
    return caCertificates(pem).length > 0;
  } catch {
    return false;
  }
}

/** When a credential ends: `exp` of a token that is a JWT, or the end of a certificate. */
export function expiryOf(
  credential:
    | { readonly kind: "token"; readonly token: string }
    | { readonly kind: "certificate"; readonly cert: string },
): Date | undefined {
  return credential.kind === "token"
    ? tokenExpiry(credential.token)
    : certificateExpiry(credential.cert);
}

function tokenExpiry(token: string): Date | undefined {
  try {
    const [, payload = ""] = token.split(".");
    const { exp } = JSON.parse(Buffer.from(payload, "base64url").toString()) as { exp?: unknown };
    const date = new Date(typeof exp === "number" ? exp * 1000 : Number.NaN);
    return Number.isNaN(date.getTime()) ? undefined : date;
  } catch {
    // Tokens need not be JWTs, and not all of them end.
    return undefined;
  }
}

function certificateExpiry(pem: string): Date | undefined {
  try {
    return new X509Certificate(pem).validToDate;
  } catch {
    return undefined;
  }
}
