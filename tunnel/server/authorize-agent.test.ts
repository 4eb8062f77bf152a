import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PeerCertificate } from "node:tls";
import { parseIdentifiers } from "../wire/identifiers.ts";
import { certificateIdentity, sharedIdentity } from "./authorize-agent.ts";

function makeClaim(identifiers: string, subjectaltname?: string) {
  const certificate = { subject: { CN: "cluster1" }, subjectaltname } as unknown as PeerCertificate;
  return {
    agentId: "a",
    identifiers: parseIdentifiers(identifiers),
    certificate,
    authorization: [],
  };
}

describe("certificateIdentity()", () => {
  const names = "DNS:cluster1.ns, DNS:cluster-abc, IP Address:10.0.0.1";
  for (const query of ["host=cluster1", "host=cluster1.ns&host=cluster-abc", "ipv4=10.0.0.1", ""]) {
    it(`admits "${query}"`, () =>
      assert.equal(certificateIdentity()(makeClaim(query, names)), undefined));
  }
  for (const query of ["host=cluster2", "host=cluster1&host=cluster2", "ipv4=10.0.0.2"]) {
    it(`refuses "${query}"`, () => {
      assert.match(String(certificateIdentity()(makeClaim(query, names))), /does not name/);
    });
  }

  it("refuses a default route", () => {
    const claim = makeClaim("default-route=true&host=cluster1", names);
    assert.match(String(certificateIdentity()(claim)), /default route/);
  });

  it("lets a shared name claim anything, and no other name because of it", () => {
    const shared = certificateIdentity(["cluster1"]);
    assert.equal(shared(makeClaim("host=cluster2&default-route=true")), undefined);
    const other = certificateIdentity(["cluster3"]);
    assert.match(String(other(makeClaim("host=cluster2"))), /does not name cluster2/);
  });

  it("refuses an agent without a certificate", () => {
    const claim = { ...makeClaim("host=cluster1"), certificate: undefined };
    assert.match(String(certificateIdentity()(claim)), /no certificate/);
  });
});

describe("sharedIdentity()", () => {
  it("admits any claim", () => assert.equal(sharedIdentity(makeClaim("host=x")), undefined));
});
