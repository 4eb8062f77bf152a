import * as z from "zod";

/** What a ServiceAccount token says of itself. */
export interface TokenClaims {
  /** `system:serviceaccount:<namespace>:<name>`. */
  readonly subject: string;
  /** The incarnation of the ServiceAccount that it belongs to. */
  readonly serviceAccountUid: string | undefined;
  readonly issuedAtMs: number | undefined;
  readonly expiresAtMs: number | undefined;
}

const claimsSchema = z.looseObject({
  sub: z.string(),
  iat: z.number().optional(),
  exp: z.number().optional(),
  "kubernetes.io": z
    .looseObject({ serviceaccount: z.looseObject({ uid: z.string().optional() }).optional() })
    .optional(),
});

/**
 * Reads the claims of a JWT without verifying it, which only the cluster that signed it can do.
 * Answers undefined when it is no JWT, or one without a subject.
 */
export function readTokenClaims(token: string): TokenClaims | undefined {
  const [, payload, signature, ...rest] = token.split(".");
  if (payload === undefined || signature === undefined || rest.length > 0) return undefined;
  const claims = claimsSchema.safeParse(parseJson(Buffer.from(payload, "base64url").toString()));
  if (!claims.success) return undefined;
  const { sub, iat, exp } = claims.data;
  return {
    subject: sub,
    serviceAccountUid: claims.data["kubernetes.io"]?.serviceaccount?.uid,
    issuedAtMs: iat === undefined ? undefined : iat * 1000,
    expiresAtMs: exp === undefined ? undefined : exp * 1000,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
