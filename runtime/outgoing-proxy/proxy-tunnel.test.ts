import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { after, before, describe, it } from "node:test";
import { type ConnectProxyOptions, makeAuthority, startConnectProxy } from "#testing";
import type { OutgoingProxy } from "./proxy-rules.ts";
import { connectThroughProxy, type ProxyError } from "./proxy-tunnel.ts";

const authority = await makeAuthority("proxy-ca");
const tls = await authority.server("127.0.0.1");
const other = await makeAuthority("another-ca");

describe("connectThroughProxy()", () => {
  // Speaks first, so that a byte that comes right behind the proxy's answer is not lost.
  const target = createServer((socket) => socket.end("hello"));
  before(async () => {
    target.listen(0, "127.0.0.1");
    await once(target, "listening");
  });
  after(() => target.close());
  const targetPort = (): number => (target.address() as AddressInfo).port;

  /** What is heard through a proxy, or the code and text of what failed. */
  async function hear(
    options: ConnectProxyOptions,
    { user = "", ca = authority.caPem }: { readonly user?: string; readonly ca?: string } = {},
  ): Promise<string> {
    await using proxy = await startConnectProxy({
      hosts: { "hub.internal": "127.0.0.1" },
      ...options,
    });
    const scheme = options.tls === undefined ? "http" : "https";
    const outgoing: OutgoingProxy = {
      url: new URL(`${scheme}://${user}127.0.0.1:${proxy.port}`),
      readCa: async () => ca,
    };
    const where = { host: "hub.internal", port: targetPort() };
    try {
      const socket = await connectThroughProxy(outgoing, where, AbortSignal.timeout(30_000));
      const [text] = (await once(socket.setEncoding("utf8"), "data")) as [string];
      socket.destroy();
      assert.deepEqual(proxy.asked, [`hub.internal:${targetPort()} 200`]);
      return text;
    } catch (error) {
      const { code, message } = error as ProxyError;
      return `${code}: ${message.replace(String(proxy.port), "PORT")}`;
    }
  }

  it("connects through a proxy that knows the name", async () => {
    assert.equal(await hear({}), "hello");
  });

  it("shows the credentials of the proxy's URL, as they were before they were encoded", async () => {
    const credentials = "us:er:p@ss/word";
    assert.equal(await hear({ credentials }, { user: "us%3Aer:p%40ss%2Fword@" }), "hello");
  });

  it("tells that its credentials are not wanted, and not what they are", async () => {
    assert.equal(
      await hear({ credentials: "user:right" }, { user: "user:wrong@" }),
      "unauthenticated: Proxy 127.0.0.1:PORT answered 407 Proxy Authentication Required",
    );
  });

  it("speaks TLS to the proxy, and verifies it", async () => {
    assert.equal(await hear({ tls }), "hello");
    assert.match(await hear({ tls }, { ca: other.caPem }), /^unreachable: Cannot connect through/);
  });

  it("tells that the proxy cannot reach the target", async () => {
    const answer = await hear({ hosts: { "hub.internal": "127.0.0.255" } });
    assert.equal(answer, "refused: Proxy 127.0.0.1:PORT answered 502 Bad Gateway");
  });
});
