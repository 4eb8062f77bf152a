import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatTraceparent, parseTraceContext } from "./trace-context.ts";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const spanId = "00f067aa0ba902b7";
const usual = `00-${traceId}-${spanId}-01`;

describe("parseTraceContext()", () => {
  it("reads a parent and its state, and writes the same again", () => {
    const found = parseTraceContext([usual], ["a=1", "b@c=2"]);
    assert.deepEqual(found, { traceId, spanId, isSampled: true, state: "a=1,b@c=2" });
    assert.equal(formatTraceparent(found), usual);
    assert.equal(parseTraceContext([`00-${traceId}-${spanId}-00`], [])?.isSampled, false);
  });

  it("takes what a later version adds, and passes its own on", () => {
    const later = parseTraceContext([`cc-${traceId}-${spanId}-09-more`], []);
    assert.equal(later && formatTraceparent(later), usual);
  });

  const refused: Readonly<Record<string, readonly string[]>> = {
    none: [],
    two: [usual, usual],
    "an empty one": [""],
    "capital letters": [usual.toUpperCase()],
    "no trace": [`00-${"0".repeat(32)}-${spanId}-01`],
    "no span": [`00-${traceId}-${"0".repeat(16)}-01`],
    "too short": [`00-${traceId}-${spanId.slice(1)}-01`],
    "more than its version has": [`${usual}-more`],
    "the version that there is not": [`ff-${traceId}-${spanId}-01`],
    "a line break": [`${usual}\n`],
  };
  for (const [name, parents] of Object.entries(refused)) {
    it(`begins anew with ${name}`, () => assert.equal(parseTraceContext(parents, []), undefined));
  }

  const states: Readonly<Record<string, readonly string[]>> = {
    "a key twice": ["a=1,a=2"],
    "no value": ["a"],
    "a capital key": ["A=1"],
    "a control character": ["a=\u0007"],
    "more than 32": [Array.from({ length: 33 }, (_, index) => `k${index}=1`).join(",")],
    "more than 512 characters": [`a=${"x".repeat(200)},b=${"x".repeat(200)},c=${"x".repeat(200)}`],
    nothing: ["", " , "],
  };
  for (const [name, given] of Object.entries(states)) {
    it(`leaves out a state with ${name}, and keeps the parent`, () => {
      const found = parseTraceContext([usual], given);
      assert.deepEqual([found?.spanId, found?.state], [spanId, undefined]);
    });
  }
});
