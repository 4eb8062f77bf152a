import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { makeAuthority } from "#testing";
import { parseTrust } from "./trust.ts";

let caPem = "";
before(async () => {
  ({ caPem } = await makeAuthority());
});
const configMap = (data: Readonly<Record<string, string>>) => ({ metadata: { name: "a" }, data });

describe("parseTrust()", () => {
  it("reads CAs, names and headers, the headers in lower case", () => {
    const trust = parseTrust(
      configMap({
        "requestheader-client-ca-file": `# front\n${caPem}${caPem}`,
        "client-ca-file": caPem,
        "requestheader-allowed-names": '["front-proxy-client"]',
        "requestheader-username-headers": '["X-Remote-User"]',
        "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
      }),
      3,
    );
    assert.deepEqual(
      [trust.frontProxyCas.length, trust.clientCas.length, trust.caPems.length],
      [2, 1, 3],
    );
    assert.deepEqual(trust.allowedNames, ["front-proxy-client"]);
    assert.deepEqual(trust.userHeaders, ["x-remote-user"]);
    assert.deepEqual(trust.extraPrefixes, ["x-remote-extra-"]);
    assert.equal(trust.generation, 3);
  });

  it("trusts nobody where nothing is said", () => {
    const { frontProxyCas, clientCas, userHeaders } = parseTrust(configMap({}), 1);
    assert.deepEqual([frontProxyCas, clientCas, userHeaders], [[], [], []]);
  });

  const broken: Readonly<Record<string, string>> = {
    "requestheader-client-ca-file": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
    "requestheader-allowed-names": "front",
    "requestheader-username-headers": "[1]",
  };
  for (const [key, value] of Object.entries(broken)) {
    it(`names ${key} when it cannot be read`, () => {
      assert.throws(() => parseTrust(configMap({ [key]: value }), 1), new RegExp(key));
    });
  }
});
