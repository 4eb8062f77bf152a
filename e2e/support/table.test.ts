import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseTable } from "./table.ts";

describe("parseTable()", () => {
  it("reads cells by the column they stand under, empty ones too", () => {
    const text = "NAME      PROVIDER   ENDPOINT-TYPE\nmanaged1             ClusterProxy\n";
    assert.deepEqual(parseTable(text), [
      { NAME: "managed1", PROVIDER: "", "ENDPOINT-TYPE": "ClusterProxy" },
    ]);
  });
});
