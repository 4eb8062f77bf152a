import assert from "node:assert/strict";
import type { ServerHttp2Stream } from "node:http2";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { makeAuthority, startUpstream } from "#testing";
import type { UpstreamRequest } from "./transport/call.ts";
import { transportTo } from "./under-test/transport-under-test.ts";
import { windows } from "./windows.ts";

const readers = 300;
const never = new AbortController().signal;
const get: UpstreamRequest = {
  method: "GET",
  path: "/",
  headers: [],
  hasBody: false,
  onInformation: () => undefined,
};

describe("readers that have stopped", { timeout: 120_000 }, () => {
  it("hold a few budgets of memory in all, and do not stop a reader that goes on", async () => {
    let sent = 0;
    const chunk = Buffer.alloc(64 * 1024);
    const flood = (stream: ServerHttp2Stream) => {
      stream.on("error", () => undefined);
      stream.respond({ ":status": 200 });
      const more = () => {
        while (!stream.destroyed) {
          sent += chunk.length;
          if (!stream.write(chunk)) return;
        }
      };
      stream.on("drain", more);
      more();
    };
    const handlers = { h2: flood, h2Options: { maxSessionMemory: 4096 } };
    await using upstream = await startUpstream(await makeAuthority(), handlers);
    using transport = transportTo(upstream);
    for (let reader = 0; reader < readers; reader += 1) {
      const call = await transport.call(get, never);
      assert.equal((await call.response).status, 200);
    }
    let before = -1;
    while (before !== sent) {
      before = sent;
      await delay(500);
    }
    const sessions = Math.ceil(readers / 250);
    assert.ok(sent < sessions * 5 * windows.budgetBytes, `${sent} bytes were taken in`);
    const { body } = await (await transport.call(get, never)).response;
    let read = 0;
    for await (const part of body ?? []) {
      read += (part as Buffer).length;
      if (read > 8 * windows.streamBytes) break;
    }
    assert.ok(read > 8 * windows.streamBytes);
  });
});
