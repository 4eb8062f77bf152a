import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hostOfAddress } from "./dest-host.ts";

describe("hostOfAddress()", () => {
  const cases: Readonly<Record<string, string>> = {
    "cluster1:443": "cluster1",
    cluster1: "cluster1",
    "10.0.0.1:443": "10.0.0.1",
    "[2001:db8::1]:443": "2001:db8::1",
    "2001:db8::1": "2001:db8::1",
    "cluster1.ns.svc:8080": "cluster1.ns.svc",
    "": "",
  };
  for (const [address, want] of Object.entries(cases)) {
    it(`takes "${want}" from "${address}"`, () => assert.equal(hostOfAddress(address), want));
  }
});
