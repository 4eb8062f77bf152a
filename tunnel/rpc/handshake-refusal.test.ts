import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Fields, type Logger, silentLogger } from "#runtime";
import { type HandshakeRefusal, handshakeRefusal, RefusalLog } from "./handshake-refusal.ts";

describe("handshakeRefusal()", () => {
  const cases: readonly (readonly [string | undefined, string | undefined, HandshakeRefusal])[] = [
    ["ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE", undefined, "no_certificate"],
    ["ECONNRESET", "UNABLE_TO_GET_ISSUER_CERT", "no_certificate"],
    ["ECONNRESET", "SELF_SIGNED_CERT_IN_CHAIN", "untrusted_certificate"],
    ["ECONNRESET", "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "untrusted_certificate"],
    ["ECONNRESET", "CERT_HAS_EXPIRED", "expired_certificate"],
    ["ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", undefined, "refused_by_peer"],
    ["ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED", undefined, "refused_by_peer"],
    ["ERR_SSL_HTTP_REQUEST", undefined, "protocol"],
    ["ERR_SSL_NO_APPLICATION_PROTOCOL", undefined, "protocol"],
    ["ERR_TLS_HANDSHAKE_TIMEOUT", undefined, "timeout"],
    ["ECONNRESET", undefined, "closed"],
    [undefined, undefined, "closed"],
  ];
  for (const [code, authorizationError, want] of cases) {
    it(`calls ${code} with ${authorizationError} ${want}`, () =>
      assert.equal(handshakeRefusal(code, authorizationError), want));
  }
});

describe("RefusalLog", () => {
  it("tells each reason once in a while, and how many it did not tell", () => {
    let nowMs = 0;
    const lines: Fields[] = [];
    const log: Logger = {
      ...silentLogger,
      warn: (_message, fields) => void lines.push(fields ?? {}),
    };
    const refusals = new RefusalLog(log, () => nowMs);
    const refused = { peer: "10.0.0.1", error: new Error("no") };
    for (const reason of ["timeout", "timeout", "protocol", "timeout", "closed"] as const) {
      refusals.tell({ ...refused, reason });
    }
    nowMs = 10_000;
    refusals.tell({ ...refused, reason: "timeout" });
    assert.deepEqual(
      lines.map(({ reason, untold }) => [reason, untold]),
      [
        ["timeout", 0],
        ["protocol", 0],
        ["timeout", 2],
      ],
    );
  });
});
