import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { statusText } from "./status-text.ts";

describe("statusText()", () => {
  const cases: readonly (readonly [details: string, want: string])[] = [
    [
      "No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:1. Resolution note: ",
      "connect ECONNREFUSED 127.0.0.1:1",
    ],
    [
      "No connection established. Last error: null. Resolution note: no such name",
      "null. Resolution note: no such name",
    ],
    ["the agent may not serve a", "the agent may not serve a"],
  ];
  for (const [details, want] of cases) {
    it(`says "${want}"`, () => assert.equal(statusText({ details }), want));
  }
});
