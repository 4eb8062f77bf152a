import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import { makeAuthority, openLoopbackTunnel, startConnectProxy } from "#testing";

const proxyAuthority = await makeAuthority("proxy-ca");

describe("an agent behind a proxy", { timeout: 30_000 }, () => {
  for (const scheme of ["http", "https"] as const) {
    it(`reaches servers whose name only the ${scheme} proxy knows, and carries data`, async () => {
      await using tunnel = await openLoopbackTunnel();
      await using proxy = await startConnectProxy({
        credentials: "agent:p@ss",
        hosts: { "hub.internal": "127.0.0.1" },
        ...(scheme === "https" && { tls: await proxyAuthority.server("127.0.0.1") }),
      });
      const server = await tunnel.startServer();
      const { agents, frontends } = server.it.ports;
      const targetPort = await tunnel.startTarget((socket) => socket.pipe(socket));
      await tunnel.startAgent(
        { agentPort: agents },
        {
          address: `hub.internal:${agents}`,
          serverName: "localhost",
          proxy: {
            url: new URL(`${scheme}://agent:p%40ss@127.0.0.1:${proxy.port}`),
            readCa: async () => proxyAuthority.caPem,
          },
        },
      );
      assert.deepEqual(new Set(proxy.asked), new Set([`hub.internal:${agents} 200`]));
      const client = await tunnel.startClient([frontends]);
      const stream = await client.it.dial("127.0.0.1", targetPort, AbortSignal.timeout(5_000));
      stream.write("through");
      const [answer] = (await once(stream, "data")) as [Buffer];
      assert.equal(answer.toString(), "through");
      stream.destroy();
    });
  }
});
