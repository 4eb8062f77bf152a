import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect, createServer as createTcp, type Socket } from "node:net";
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

/** A SOCKS5 proxy that lets only `ann:pass word` through, and resolves every name to loopback. */
async function startSocksProxy() {
  const asked: string[] = [];
  const server = createTcp((client) => {
    void serveSocks(client, asked).catch(() => client.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    asked,
    port: (server.address() as AddressInfo).port,
    [Symbol.dispose]: () => void server.close(),
  };
}

async function serveSocks(client: Socket, asked: string[]): Promise<void> {
  const next = async () => ((await once(client, "data")) as [Buffer])[0];
  const [, , method] = await next();
  client.write(Buffer.from([5, method === 2 ? 2 : 255]));
  const login = await next();
  const isKnown = login.toString("latin1").endsWith("\x03ann\x09pass word");
  client.write(Buffer.from([1, isKnown ? 0 : 1]));
  const request = await next();
  const length = request[4] ?? 0;
  const host = request.subarray(5, 5 + length).toString();
  const port = request.readUInt16BE(5 + length);
  asked.push(`${host}:${port}`);
  const far = connect(port, "127.0.0.1");
  far.once("error", () => client.end(Buffer.from([5, 5, 0, 1, 0, 0, 0, 0, 0, 0])));
  await once(far, "connect");
  client.write(Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 0]));
  far.pipe(client).pipe(far);
}

describe("dialThroughProxy() with SOCKS5", () => {
  it("lets the proxy resolve the name, and says what it answered", async () => {
    using proxy = await startSocksProxy();
    await using target = createTcp((socket) => socket.end("hello")).listen(0, "127.0.0.1");
    await once(target, "listening");
    const { port } = target.address() as AddressInfo;
    const allowed = new URL(`socks5://ann:pass%20word@127.0.0.1:${proxy.port}`);
    const socket = await dialThroughProxy(new URL(`https://far.test:${port}`), allowed, signal);
    const [chunk] = (await once(socket, "data")) as [Buffer];
    assert.equal(chunk.toString(), "hello");
    socket.destroy();
    assert.deepEqual(proxy.asked, [`far.test:${port}`]);
    const causeOf = async (url: string, through: URL) =>
      dialThroughProxy(new URL(url), through, signal).then(
        () => "",
        (error: Error) => `${error.message}: ${(error.cause as Error).message}`,
      );
    assert.match(await causeOf("https://far.test:1", allowed), /connection refused/);
    const wrong = new URL(`socks5://ann:SECRET@127.0.0.1:${proxy.port}`);
    const refusal = await causeOf("https://far.test:1", wrong);
    assert.match(refusal, /Proxy 127.0.0.1:\d+ .*does not accept user name and password/);
    assert.doesNotMatch(refusal, /SECRET/);
    const nameless = new URL(`socks5://127.0.0.1:${proxy.port}`);
    assert.match(await causeOf("https://far.test:1", nameless), /way to authenticate/);
  });
});
