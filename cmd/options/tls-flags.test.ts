import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkPair, cipherList, minTlsVersion } from "./tls-flags.ts";

describe("cipherList()", () => {
  it("translates Go's names and keeps TLS 1.3", () => {
    const list = cipherList(["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"]);
    assert.match(list, /^TLS_AES_128_GCM_SHA256:.*:ECDHE-RSA-AES128-GCM-SHA256$/);
  });

  it("leaves the default alone when nothing is chosen", () => assert.equal(cipherList([]), ""));

  it("refuses what Go considers insecure", () => {
    assert.throws(() => cipherList(["TLS_RSA_WITH_RC4_128_SHA"]), /considered as insecure/);
  });
});

describe("minTlsVersion()", () => {
  it("knows Go's names", () => {
    assert.deepEqual(["", "VersionTLS12", "VersionTLS13"].map(minTlsVersion), [
      "TLSv1.2",
      "TLSv1.2",
      "TLSv1.3",
    ]);
  });

  it("refuses versions that are no longer safe", () => {
    assert.throws(() => minTlsVersion("VersionTLS10"), /--tls-min-version=VersionTLS10/);
  });
});

describe("checkPair()", () => {
  const flags = { certFlag: "server-cert", keyFlag: "server-key" };

  it("wants a certificate and its key together", () => {
    assert.throws(
      () => checkPair({ ...flags, cert: "", key: "k" }),
      /cannot have server cert empty when server key is set to "k"/,
    );
    assert.throws(
      () => checkPair({ ...flags, cert: "c", key: "" }),
      /cannot have server key empty when server cert is set to "c"/,
    );
    checkPair({ ...flags, cert: "c", key: "k" });
  });
});
