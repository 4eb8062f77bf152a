import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import { connect } from "node:tls";
import { silentLogger } from "#runtime";
import { makeAuthority } from "#testing";
import { createFront } from "./front.ts";

describe("requests that are none", () => {
  it("are answered, counted, and never handed on", async () => {
    const authority = await makeAuthority();
    let handled = 0;
    let malformed = 0;
    const front = createFront({
      host: "127.0.0.1",
      port: 0,
      tls: await authority.server("front.test"),
      handle(exchange) {
        handled += 1;
        exchange.answer({ status: 200, headers: [] });
      },
      onRefused: () => {
        malformed += 1;
      },
      log: silentLogger,
      drainMs: 0,
    });
    const stop = new AbortController();
    const ended = front.run(stop.signal);
    const to = { host: "127.0.0.1", port: await front.port, servername: "front.test" };
    const send = async (text: string): Promise<string> => {
      const socket = connect({ ...to, ca: authority.caPem });
      await once(socket, "secureConnect");
      let heard = "";
      socket.setEncoding("latin1").on("data", (chunk: string) => {
        heard += chunk;
      });
      socket.on("error", () => undefined);
      socket.write(text, "latin1");
      await new Promise((resolve) => socket.once("close", resolve));
      return heard;
    };
    const get = "GET / HTTP/1.1\r\nHost: a\r\n";
    const cases: readonly (readonly [text: string, status: RegExp])[] = [
      ["nonsense\r\n\r\n", /^HTTP\/1\.1 400 /],
      [`${get}X: ${"a".repeat(70_000)}\r\n\r\n`, /^(HTTP\/1\.1 431 .*)?$/s],
      [`${get}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`, /^HTTP\/1\.1 400 /],
      [`${get}Transfer-Encoding: other\r\n\r\n`, /^HTTP\/1\.1 400 /],
    ];
    for (const [text, status] of cases) assert.match(await send(text), status);
    assert.deepEqual([handled, malformed], [0, 4]);
    stop.abort();
    await ended;
  });
});
