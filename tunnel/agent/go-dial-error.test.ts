import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { goDialError } from "./go-dial-error.ts";
import { splitHostPort } from "./split-host-port.ts";

function systemError(code: string, extra: object = {}): Error {
  return Object.assign(new Error(`node says ${code}`), { code, ...extra });
}

describe("goDialError()", () => {
  const refused = systemError("ECONNREFUSED", { address: "10.0.0.7", port: 443 });
  const cases: Readonly<Record<string, Error>> = {
    "dial tcp 10.0.0.7:443: connect: connection refused": refused,
    "dial tcp 10.0.0.7:443: connect: connection refused ": new AggregateError([
      refused,
      systemError("ENETUNREACH", { address: "::1", port: 443 }),
    ]),
    "dial tcp [2001:db8::1]:443: connect: network is unreachable": systemError("ENETUNREACH", {
      address: "2001:db8::1",
      port: 443,
    }),
    "dial tcp: lookup target: no such host": systemError("ENOTFOUND"),
    "dial tcp target:443: i/o timeout": systemError("DIAL_TIMEOUT"),
    "dial tcp target:443: socket: too many open files": systemError("EMFILE"),
    "dial tcp target:443: node says EWEIRD": systemError("EWEIRD"),
  };
  for (const [want, error] of Object.entries(cases)) {
    it(`says "${want}"`, () => assert.equal(goDialError(error, "target", 443), want.trim()));
  }
});

describe("splitHostPort()", () => {
  const cases: Readonly<Record<string, ReturnType<typeof splitHostPort>>> = {
    "a:1": { host: "a", port: 1 },
    "[::1]:443": { host: "::1", port: 443 },
    ":80": { host: "", port: 80 },
    foo: "dial tcp: address foo: missing port in address",
    "::1:80": "dial tcp: address ::1:80: too many colons in address",
    "a:https": "dial tcp: lookup tcp/https: unknown port",
    "a:70000": "dial tcp: address 70000: invalid port",
  };
  for (const [address, want] of Object.entries(cases)) {
    it(`reads ${address}`, () => assert.deepEqual(splitHostPort(address), want));
  }
});
