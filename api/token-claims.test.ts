import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readTokenClaims, type TokenClaims } from "./token-claims.ts";

function makeJwt(payload: unknown): string {
  const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString("base64url");
  return `${encode({ alg: "RS256" })}.${encode(payload)}.c2lnbmF0dXJl`;
}

const subject = "system:serviceaccount:agent:reader";

describe("readTokenClaims()", () => {
  const cases: Readonly<Record<string, readonly [token: string, want: TokenClaims | undefined]>> = {
    "reads a bound token": [
      makeJwt({
        sub: subject,
        iat: 100,
        exp: 700,
        "kubernetes.io": { namespace: "agent", serviceaccount: { name: "reader", uid: "u1" } },
      }),
      { subject, serviceAccountUid: "u1", issuedAtMs: 100_000, expiresAtMs: 700_000 },
    ],
    "reads a token that says little": [
      makeJwt({ sub: subject }),
      { subject, serviceAccountUid: undefined, issuedAtMs: undefined, expiresAtMs: undefined },
    ],
    "knows nothing of a token without subject": [makeJwt({ iss: "x" }), undefined],
    "knows nothing of a subject that is no text": [makeJwt({ sub: 7 }), undefined],
    "knows nothing of a text with too few parts": ["a.b", undefined],
    "knows nothing of a text with too many parts": [`${makeJwt({ sub: subject })}.x`, undefined],
    "knows nothing of a payload that is no JSON": ["a.!!!.c", undefined],
    "knows nothing of an empty text": ["", undefined],
  };
  for (const [name, [token, want]] of Object.entries(cases)) {
    it(name, () => assert.deepEqual(readTokenClaims(token), want));
  }
});
