import assert from "node:assert/strict";
import type { Http2Stream } from "node:http2";
import { Duplex } from "node:stream";
import { describe, it } from "node:test";
import { RawStream } from "./raw-stream.ts";

/** As much of an HTTP/2 stream as it takes, without a session. */
function openStream(): { readonly raw: RawStream; readonly stream: Duplex } {
  const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  Object.assign(stream, { session: undefined, rstCode: 0 });
  const raw = new RawStream(stream as unknown as Http2Stream, {
    closing: "asks",
    dialId: 1n,
    connectionId: 7n,
  });
  return { raw, stream };
}

describe("RawStream", () => {
  const data = { type: "data", connectionId: 7n, bytes: Buffer.from("x") } as const;

  it("takes data as long as there is room", () => {
    assert.equal(openStream().raw.write(data), true);
  });

  it("tells whoever writes to wait once it is lost, and then that it is over", async () => {
    const { raw, stream } = openStream();
    const ended = new Promise<void>((resolve) => raw.on("end", resolve));
    stream.destroy();
    assert.equal(raw.write(data), false);
    await ended;
  });
});
