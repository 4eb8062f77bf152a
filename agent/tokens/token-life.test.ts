import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readTokenClaims } from "#api";
import { makeAccount, makeToken, refreshedAt } from "./make-snapshot.ts";
import { lifeOf } from "./token-life.ts";

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

interface Case {
  /** Of the token, after the report of a token of one hour. */
  readonly issuedAfterMs: number;
  readonly lengthMs: number;
  readonly validity?: string;
  readonly want: "reported" | "its own";
}

const cases: Readonly<Record<string, Case>> = {
  "as reported, where both say the same": {
    issuedAfterMs: second,
    lengthMs: hour,
    want: "reported",
  },
  "its own, where it is newer": { issuedAfterMs: 3 * second, lengthMs: hour, want: "its own" },
  "its own, where it ends earlier": { issuedAfterMs: 0, lengthMs: 30 * minute, want: "its own" },
  "its own, where two were made in one second and the report is about the shorter one": {
    issuedAfterMs: 0,
    lengthMs: 90 * minute,
    validity: "90m",
    want: "its own",
  },
  "as reported, where the API server stretched it beyond what was asked for": {
    issuedAfterMs: 0,
    lengthMs: 24 * 365 * hour,
    want: "reported",
  },
};

describe("the life of a token is", () => {
  for (const [name, { issuedAfterMs, lengthMs, validity = "1h", want }] of Object.entries(cases)) {
    it(name, () => {
      const issuedAtMs = refreshedAt.getTime() + issuedAfterMs;
      const expiresAtMs = issuedAtMs + lengthMs;
      const token = makeToken({ iat: issuedAtMs / second, exp: expiresAtMs / second });
      const reported = {
        refreshedAtMs: refreshedAt.getTime(),
        expiresAtMs: refreshedAt.getTime() + hour,
      };
      const own = { refreshedAtMs: issuedAtMs, expiresAtMs };
      const life = lifeOf(makeAccount({ validity }), readTokenClaims(token));
      assert.deepEqual(life, want === "reported" ? reported : own);
    });
  }
});
