import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { describe, it } from "node:test";
import { relayLines } from "./line-relay.ts";

async function relayed(...chunks: readonly string[]): Promise<readonly string[]> {
  const from = new PassThrough();
  const written: string[] = [];
  relayLines(from, { write: (chunk: Buffer) => written.push(String(chunk)) > 0 });
  for (const chunk of chunks) {
    from.write(chunk);
    await new Promise((resolve) => setImmediate(resolve));
  }
  from.end();
  await new Promise((resolve) => from.once("close", resolve));
  return written;
}

describe("relayLines()", () => {
  const cases: readonly {
    name: string;
    chunks: readonly string[];
    written: readonly string[];
  }[] = [
    { name: "passes whole lines at once", chunks: ["a\nb\n"], written: ["a\nb\n"] },
    {
      name: "keeps the beginning of a line until its end comes",
      chunks: ["a\nb", "c", "d\n"],
      written: ["a\n", "bcd\n"],
    },
    { name: "ends a line that nobody ended", chunks: ["a\nb"], written: ["a\n", "b\n"] },
    { name: "writes nothing when nothing came", chunks: [], written: [] },
  ];
  for (const { name, chunks, written } of cases) {
    it(name, async () => assert.deepEqual(await relayed(...chunks), written));
  }
});
