import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { afterLine, errorOfLine, linesOf, parseWatchLine } from "./watch-state.ts";

async function* chunks(...parts: readonly (string | Buffer)[]): AsyncGenerator<string | Buffer> {
  for (const part of parts) yield await Promise.resolve(part);
}

describe("linesOf()", () => {
  const euro = Buffer.from("€\n");
  const cases: Readonly<Record<string, readonly [parts: (string | Buffer)[], want: string[]]>> = {
    "splits a chunk with several lines": [["a\nb\n"], ["a", "b"]],
    "joins a line that came in pieces": [
      ["a", "b", "c\nd", "\n"],
      ["abc", "d"],
    ],
    "leaves out empty lines": [["\n\na\n\n"], ["a"]],
    "ends with a line that has no end": [["a\nb"], ["a", "b"]],
    "joins a character that was cut in two": [[euro.subarray(0, 1), euro.subarray(1)], ["€"]],
    "has none for an empty stream": [[], []],
  };
  for (const [name, [parts, want]] of Object.entries(cases)) {
    it(name, async () => {
      const got: string[] = [];
      for await (const line of linesOf(chunks(...parts))) got.push(line);
      assert.deepEqual(got, want);
    });
  }
});

describe("parseWatchLine()", () => {
  it("refuses what is no event", () => {
    for (const text of ["{", "{}", '{"type":"ADDED"}']) {
      assert.throws(() => parseWatchLine(text), { name: "SyntaxError" });
    }
  });
});

describe("afterLine()", () => {
  const object = { metadata: { name: "a", resourceVersion: "7" } };

  it("goes on from each event and bookmark", () => {
    for (const type of ["ADDED", "MODIFIED", "DELETED", "BOOKMARK"] as const) {
      const want = { kind: "watching", resourceVersion: "7" };
      assert.deepEqual(afterLine({ type, object }), want);
    }
  });

  it("lists again after an error", () => {
    assert.deepEqual(afterLine({ type: "ERROR", object: { code: 410 } }), { kind: "listing" });
  });
});

describe("errorOfLine()", () => {
  it("tells a place that is too old from other errors", () => {
    assert.equal(errorOfLine("pods", { code: 410, kind: "Status" }).code, "expired");
    assert.equal(errorOfLine("pods", { code: 500, kind: "Status" }).code, "server");
    assert.equal(errorOfLine("pods", {}).code, "server");
  });
});
