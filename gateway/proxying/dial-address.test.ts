import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect, createServer as createTcp } from "node:net";
import { describe, it } from "node:test";
import { dialThroughProxy } from "./dial-address.ts";

const { signal } = new AbortController();

/** A forward proxy that lets only `ann:pass word` through. */
async function startProxy() {
  const asked: (string | undefined)[] = [];
  const server = createServer();
  server.on("connect", (request, socket) => {
    asked.push(request.url);
    const wanted = `Basic ${Buffer.from("ann:pass word").toString("base64")}`;
    if (request.headers["proxy-authorization"] !== wanted) {
      socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
      return;
    }
    const [host = "", port = ""] = (request.url ?? "").split(":");
    const far = connect(Number(port), host, () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      far.pipe(socket).pipe(far);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    asked,
    port: (server.address() as AddressInfo).port,
    [Symbol.dispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

describe("dialThroughProxy()", () => {
  it("reaches the address through the proxy, and names the proxy when it refuses", async () => {
    using proxy = await startProxy();
    await using target = createTcp((socket) => socket.end("hello")).listen(0, "127.0.0.1");
    await once(target, "listening");
    const { port } = target.address() as AddressInfo;
    const url = new URL(`https://127.0.0.1:${port}`);
    const allowed = new URL(`http://ann:pass%20word@127.0.0.1:${proxy.port}`);
    const socket = await dialThroughProxy(url, allowed, signal);
    const [chunk] = (await once(socket, "data")) as [Buffer];
    assert.equal(chunk.toString(), "hello");
    socket.destroy();
    const refused = new URL(`http://ann:SECRET@127.0.0.1:${proxy.port}`);
    await assert.rejects(dialThroughProxy(url, refused, signal), (error: Error) => {
      assert.match(error.message, new RegExp(`Proxy 127.0.0.1:${proxy.port} refused .*HTTP 407`));
      assert.doesNotMatch(error.message, /SECRET/);
      return true;
    });
    assert.deepEqual(proxy.asked, [`127.0.0.1:${port}`, `127.0.0.1:${port}`]);
    await assert.rejects(
      dialThroughProxy(url, new URL("http://127.0.0.1:1"), signal),
      /Proxy 127.0.0.1:1 cannot be used/,
    );
  });
});
