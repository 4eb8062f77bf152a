import * as z from "zod";
import type { HubKeys } from "./hub-keys.ts";

const headerSchema = z.looseObject({ kid: z.string().min(1) });
const claimsSchema = z.looseObject({
  iss: z.string().min(1),
  sub: z.string().regex(/^system:serviceaccount:[^:]+:[^:]+$/),
});

/** What a token says of itself, before anybody has verified it. */
export interface Unverified {
  readonly keyId: string;
  readonly issuer: string;
  /** `system:serviceaccount:…` */
  readonly subject: string;
}

/** Reads a ServiceAccount token. `undefined` for everything else. */
export function readServiceAccountToken(token: string): Unverified | undefined {
  const [head = "", payload = "", signature, ...others] = token.split(".");
  if (signature === undefined || others.length > 0) return undefined;
  const header = headerSchema.safeParse(decode(head));
  const claims = claimsSchema.safeParse(decode(payload));
  if (!header.success || !claims.success) return undefined;
  return { keyId: header.data.kid, issuer: claims.data.iss, subject: claims.data.sub };
}

/**
 * Why a token that the hub does not accept may not go on to a managed cluster either, or `undefined`
 * when it may. Only a ServiceAccount's token may, and none that the hub has signed: made for another
 * audience, it is refused here, and would still be good there for whoever took it.
 *
 * Throws a GatewayError `hub_unavailable` when it cannot be known whose it is.
 */
export async function whyNoManagedToken(
  token: string,
  hubKeys: HubKeys,
  oidcIssuer: string | undefined,
): Promise<string | undefined> {
  const said = readServiceAccountToken(token);
  if (said === undefined || said.issuer === oidcIssuer) {
    return "token is not valid for the hub cluster, and is no ServiceAccount token of a managed cluster";
  }
  if (!(await hubKeys.has(said.keyId))) return undefined;
  return "token is not valid for the hub cluster, which has signed it; it is not sent to managed clusters";
}

function decode(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, "base64url").toString("utf8")) as unknown;
  } catch {
    return undefined;
  }
}
