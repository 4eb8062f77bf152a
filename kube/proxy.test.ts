import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:https";
import { type AddressInfo, connect, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { makeAuthority } from "#testing";
import { createKubeClient } from "./client.ts";

async function portOf(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

describe("createKubeClient() with proxies", () => {
  const asked: string[] = [];
  let directory: string;
  let kubeconfig: string;
  let proxyUrl: string;
  let servers: readonly ReturnType<typeof createHttpServer>[];

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "spokeway-proxy-"));
    const authority = await makeAuthority("ca");
    const api = createServer(await authority.server("127.0.0.1"), (_request, response) =>
      response.end("ok"),
    );
    const proxy = createHttpServer();
    proxy.on("connect", (request, near) => {
      asked.push(request.url ?? "");
      const [host = "", port = "0"] = (request.url ?? "").split(":");
      const far = connect(Number(port), host, () => near.write("HTTP/1.1 200 OK\r\n\r\n"));
      far.pipe(near).pipe(far);
      for (const socket of [near, far]) socket.on("error", () => socket.destroy());
    });
    servers = [api, proxy];
    const server = `https://127.0.0.1:${await portOf(api)}`;
    proxyUrl = `http://127.0.0.1:${await portOf(proxy)}`;
    kubeconfig = join(directory, "kubeconfig");
    const ca = Buffer.from(authority.caPem).toString("base64");
    const config = {
      clusters: [{ name: "x", cluster: { server, "certificate-authority-data": ca } }],
      users: [{ name: "x", user: {} }],
      contexts: [{ name: "x", context: { cluster: "x", user: "x" } }],
      "current-context": "x",
    };
    await writeFile(kubeconfig, JSON.stringify(config));
  });
  after(async () => {
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
    await rm(directory, { recursive: true });
  });

  const cases = [
    { name: "takes the proxy, and verifies the server behind it", proxies: {}, viaProxy: true },
    { name: "goes around it to a host of NO_PROXY", proxies: { NO_PROXY: "127.0.0.1" } },
    { name: "goes direct when none is given", proxies: undefined },
  ];
  for (const { name, proxies, viaProxy = false } of cases) {
    it(name, async () => {
      asked.length = 0;
      const given = proxies && { HTTPS_PROXY: proxyUrl, ...proxies };
      const client = await createKubeClient({ kubeconfig, proxies: given, userAgent: "test" });
      assert.equal(await client.raw("/readyz", AbortSignal.timeout(10_000)), "ok");
      assert.equal(asked.length, viaProxy ? 1 : 0);
    });
  }
});
