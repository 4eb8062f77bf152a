import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseBindAddress } from "./bind-address.ts";

describe("parseBindAddress()", () => {
  const read: Readonly<Record<string, object | undefined>> = {
    ":8080": { port: 8080 },
    "127.0.0.1:80": { host: "127.0.0.1", port: 80 },
    "[::1]:443": { host: "::1", port: 443 },
    "0": undefined,
    "": undefined,
  };
  for (const [text, want] of Object.entries(read)) {
    it(`reads "${text}"`, () => assert.deepEqual(parseBindAddress("health", text), want));
  }
  for (const text of ["8080", ":", ":0", ":65536", "a:b:1"]) {
    it(`refuses "${text}"`, () => {
      assert.throws(() => parseBindAddress("health", text), {
        name: "UsageError",
        message: /health/,
      });
    });
  }
});
