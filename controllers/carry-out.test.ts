import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { carryOut } from "./carry-out.ts";

describe("carryOut()", () => {
  it("performs all that it is given, and answers the first failure", async () => {
    const done: string[] = [];
    const perform = async (action: string): Promise<void> => {
      if (action.startsWith("bad")) throw new Error(action);
      done.push(action);
    };
    const { signal } = new AbortController();
    const failure = await carryOut(["a", "bad 1", "b", "bad 2", "c"], perform, signal);
    assert.deepEqual(done, ["a", "b", "c"]);
    assert.equal(failure?.message, "bad 1");
    assert.equal(await carryOut(["d"], perform, signal), undefined);
  });

  it("stops when it is asked to", async () => {
    const stop = new AbortController();
    const perform = async (): Promise<void> => {
      stop.abort();
      stop.signal.throwIfAborted();
    };
    await assert.rejects(carryOut([1, 2], perform, stop.signal), { name: "AbortError" });
  });
});
