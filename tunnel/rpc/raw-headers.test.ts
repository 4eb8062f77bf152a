import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readId, readText, writeText } from "./raw-headers.ts";

describe("writeText() and readText()", () => {
  for (const text of ["", "connection refused", "grüße\r\nx: y", "=%"]) {
    it(`carry ${JSON.stringify(text)} as a header`, () => {
      const value = writeText(text);
      assert.match(value, /^[\x21-\x7e]+$/u);
      assert.equal(readText(value), text);
    });
  }

  for (const value of [undefined, "", "plain", "=%zz", ["=a", "=b"]]) {
    it(`read nothing from ${JSON.stringify(value)}`, () => {
      assert.equal(readText(value), undefined);
    });
  }
});

describe("readId()", () => {
  for (const [value, id] of [
    ["1", 1n],
    ["9223372036854775807", 9223372036854775807n],
    ["0", 0n],
    ["-1", 0n],
    ["1e3", 0n],
    ["", 0n],
    [undefined, 0n],
  ] as const) {
    it(`reads ${id} from ${String(value)}`, () => {
      assert.equal(readId(value === undefined ? {} : { "x-id": value }, "x-id"), id);
    });
  }
});
