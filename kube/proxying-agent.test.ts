import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { WebSocketServer } from "ws";
import { createProxyChooser } from "#runtime";
import { type ConnectProxy, makeAuthority, startConnectProxy } from "#testing";
import { createKubeClient, type KubeClient } from "./client.ts";
import { openPortForward } from "./port-forward.ts";

const authority = await makeAuthority("api-ca");

/** A limit that begins when it is asked for. */
const soon = (): AbortSignal => AbortSignal.timeout(30_000);

describe("a client of an API server behind a proxy", () => {
  let server: Server;
  let proxy: ConnectProxy;
  let directory: string;

  before(async () => {
    server = createServer(await authority.server("hub.internal"), (request, response) => {
      response.end(`you asked for ${request.url}`);
    });
    const sockets = new WebSocketServer({ server });
    sockets.on("connection", (socket) => {
      const greeting = Buffer.from([0, 0xbb, 0x1f]);
      socket.send(greeting);
      socket.on("message", (message) => socket.send(message));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    proxy = await startConnectProxy({ credentials: "a:b", hosts: { "hub.internal": "127.0.0.1" } });
    directory = await mkdtemp(join(tmpdir(), "spokeway-proxy-"));
  });
  after(async () => {
    server.closeAllConnections();
    server.close();
    await proxy[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  });

  async function makeClient(credentials: string, except = ""): Promise<KubeClient> {
    const cluster = {
      server: `https://hub.internal:${(server.address() as AddressInfo).port}`,
      "certificate-authority-data": Buffer.from(authority.caPem).toString("base64"),
    };
    const config = {
      clusters: [{ name: "x", cluster }],
      users: [{ name: "x", user: { token: "t" } }],
      contexts: [{ name: "x", context: { cluster: "x", user: "x" } }],
      "current-context": "x",
    };
    const kubeconfig = join(directory, "kubeconfig");
    await writeFile(kubeconfig, JSON.stringify(config));
    const url = `http://${credentials}@127.0.0.1:${proxy.port}`;
    const chooseProxy = createProxyChooser({ proxy: url, except });
    return createKubeClient({ userAgent: "test", kubeconfig, chooseProxy });
  }

  it("asks through the proxy, with the server verified, and keeps the connection", async () => {
    const client = await makeClient("a:b");
    assert.equal(await client.raw("/version", soon()), "you asked for /version");
    assert.equal(await client.raw("/readyz", soon()), "you asked for /readyz");
    assert.equal(proxy.asked.length, 1);
  });

  it("forwards ports through the proxy", async () => {
    const client = await makeClient("a:b");
    const target = { namespace: "n", pod: "p", port: 8091 };
    const stream = await openPortForward(client, target, soon());
    stream.write("through");
    const [answer] = (await once(stream, "data")) as [Buffer];
    assert.equal(answer.toString(), "through");
    stream.destroy();
    assert.equal(proxy.asked.length, 2);
  });

  it("says that the proxy does not want it", async () => {
    const client = await makeClient("a:wrong");
    await assert.rejects(client.raw("/version", soon()), (error: Error) => {
      assert.match(String(error.cause), /answered 407/);
      return !JSON.stringify(error).includes("wrong");
    });
  });

  it("goes around the proxy where it is told to", async () => {
    const client = await makeClient("a:b", ".internal");
    const before = proxy.asked.length;
    // Nobody but the proxy knows the name.
    await assert.rejects(client.raw("/version", soon()), { code: "unreachable" });
    assert.equal(proxy.asked.length, before);
  });
});
