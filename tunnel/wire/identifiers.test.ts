import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseIdentifiers, unknownIdentifiers } from "./identifiers.ts";

const none = { hosts: [], ipv4: [], ipv6: [], cidrs: [], isDefaultRoute: false };

describe("parseIdentifiers()", () => {
  const cases: Readonly<Record<string, object>> = {
    "": none,
    "host=a&host=b&ipv4=1.2.3.4&ipv6=::1&cidr=127.0.0.1/16&default-route=true": {
      hosts: ["a", "b"],
      ipv4: ["1.2.3.4"],
      ipv6: ["::1"],
      cidrs: ["127.0.0.1/16"],
      isDefaultRoute: true,
    },
    "host=a%2Eb+c": { ...none, hosts: ["a.b c"] },
    "uid=1&anything=else&host=a": { ...none, hosts: ["a"] },
    "default-route=yes": none,
    "default-route=1&default-route=false": { ...none, isDefaultRoute: true },
    "default-route=false&default-route=true": none,
  };
  for (const [query, want] of Object.entries(cases)) {
    it(`reads "${query}"`, () => assert.deepEqual(parseIdentifiers(query), want));
  }
  for (const query of ["host=a;host=b", "host=%zz", "host=%e"]) {
    it(`refuses "${query}"`, () => {
      assert.throws(() => parseIdentifiers(query), /fail to parse url encoded string/);
    });
  }
});

describe("unknownIdentifiers()", () => {
  it("names the keys that no server would understand", () => {
    assert.deepEqual(unknownIdentifiers("host=a&uid=b&zone=c"), ["uid", "zone"]);
  });
});
