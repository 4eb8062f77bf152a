import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Secret } from "#api";
import { execCredentialOf } from "./exec-credential.ts";

const now = new Date("2026-05-01T12:00:00Z");

function makeJwt(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return [part({ alg: "none" }), part({ sub: "system:serviceaccount:a:ci", ...claims }), "x"].join(
    ".",
  );
}

function makeSecret(token: string | undefined): Secret {
  const data = token === undefined ? {} : { token: Buffer.from(token).toString("base64") };
  return { metadata: { name: "c1-ci", namespace: "team-a" }, data };
}

describe("execCredentialOf()", () => {
  it("gives the token, and until when it is to be used", () => {
    const token = makeJwt({ exp: now.getTime() / 1000 + 600 });
    const line = execCredentialOf(makeSecret(token), "ci", now);
    assert.match(line, /^[^\n]*\n$/);
    assert.deepEqual(JSON.parse(line), {
      apiVersion: "client.authentication.k8s.io/v1",
      kind: "ExecCredential",
      status: { token, expirationTimestamp: "2026-05-01T12:10:00Z" },
    });
  });

  it("gives a token that says nothing of its end as it is", () => {
    for (const token of ["opaque", makeJwt({})]) {
      const { status } = JSON.parse(execCredentialOf(makeSecret(token), "ci", now)) as {
        status: object;
      };
      assert.deepEqual(status, { token });
    }
  });

  it("gives no token that has expired, and says whom to ask, not which token", () => {
    const token = makeJwt({ exp: now.getTime() / 1000 });
    const says = /team-a\/c1-ci has expired at 2026-05-01T12:00:00Z .*ManagedServiceAccount/;
    assert.throws(
      () => execCredentialOf(makeSecret(token), "ci", now),
      (error: Error) => says.test(error.message) && !error.message.includes(token),
    );
  });

  it("gives no token of another account, whose cluster would not be the one that is asked", () => {
    const secret = makeSecret(makeJwt({ sub: "system:serviceaccount:a:prod-ci" }));
    const says = /holds the token of system:serviceaccount:a:prod-ci, not one of .* ci:/;
    assert.throws(() => execCredentialOf(secret, "ci", now), { message: says });
  });

  for (const token of [undefined, "", " \n"]) {
    it(`says that there is none in ${JSON.stringify(token)}`, () => {
      const message = 'secret team-a/c1-ci has a missing or empty "token" key';
      assert.throws(() => execCredentialOf(makeSecret(token), "ci", now), { message });
    });
  }
});
