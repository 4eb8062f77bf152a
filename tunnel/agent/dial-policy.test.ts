import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createDialPolicy, type DialRules, refusedByDefault } from "./dial-policy.ts";

const byDefault: DialRules = {
  refusedNetworks: refusedByDefault,
  allowedNetworks: [],
  allowedPorts: [],
};

/** What becomes of `[address]:port`. */
function verdict(ip: string, port: number, rules: Partial<DialRules> = {}): string {
  const policy = createDialPolicy({ ...byDefault, ...rules });
  return policy({ host: "name", ip, port }) ?? "allowed";
}

describe("createDialPolicy()", () => {
  for (const ip of ["10.96.0.1", "192.168.1.1", "fd12::1", "8.8.8.8", "::ffff:10.0.0.1"]) {
    it(`allows ${ip}`, () => assert.equal(verdict(ip, 443), "allowed"));
  }

  for (const ip of [
    "127.0.0.1",
    "127.9.9.9",
    "0.0.0.0",
    "::1",
    "::",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "169.254.169.254",
    "fd00:ec2::254",
    "fe80::1",
    "224.0.0.1",
    "100.100.100.200",
  ]) {
    it(`refuses ${ip}`, () => {
      assert.equal(verdict(ip, 443), `address ${ip} is not allowed by the agent`);
    });
  }

  it("allows what somebody allowed", () => {
    const rules = { allowedNetworks: ["127.0.0.1", "::1/128"] };
    assert.equal(verdict("127.0.0.1", 7443, rules), "allowed");
    assert.equal(verdict("::1", 7443, rules), "allowed");
    assert.match(verdict("127.0.0.2", 7443, rules), /not allowed/);
  });

  it("refuses ports outside of those allowed", () => {
    const rules = { allowedPorts: ["443", "8000-8100"] };
    for (const port of [443, 8000, 8100]) {
      assert.equal(verdict("10.0.0.1", port, rules), "allowed");
    }
    assert.equal(verdict("10.0.0.1", 22, rules), "port 22 is not allowed by the agent");
    assert.match(verdict("10.0.0.1", 8101, rules), /port 8101/);
  });

  for (const text of ["", "10.0.0.0/33", "10.0.0.0/x", "fd00::/129", "host"]) {
    it(`cannot read network "${text}"`, () => {
      assert.throws(() => verdict("10.0.0.1", 1, { refusedNetworks: [text] }), /is not a network/);
    });
  }
  for (const text of ["", "x", "9-1", "1-2-3", "70000", "-1"]) {
    it(`cannot read port "${text}"`, () => {
      assert.throws(() => verdict("10.0.0.1", 1, { allowedPorts: [text] }), /is not a port/);
    });
  }
});
