import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { describe, it } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import { Metadata, type MethodDefinition, type ServerDuplexStream } from "@grpc/grpc-js";
import * as fc from "fast-check";
import { findFreePorts, isTorture } from "#bed";
import { silentLogger } from "#runtime";
import {
  anyPacket,
  eventually,
  type LoopbackTunnel,
  openLoopbackTunnel,
  serverNoise,
  tlsOf,
} from "#testing";
import { type ConnectSettings, connectToServer } from "./agent/connect.ts";
import { createListener } from "./rpc/listener.ts";
import { createRpcProtocol } from "./rpc/rpc-protocol.ts";
import { headers } from "./rpc/services.ts";
import { TunnelError } from "./tunnel-error.ts";

const never = new AbortController().signal;
const runs = { numRuns: isTorture ? 900 : 90 };

type RawCall = ServerDuplexStream<Buffer, Buffer>;

async function settingsOf(tunnel: LoopbackTunnel, port: number): Promise<ConnectSettings> {
  const tls = tlsOf(tunnel.agentAuthority, await tunnel.agentAuthority.client("agent"));
  return {
    address: `127.0.0.1:${port}`,
    serverName: undefined,
    tls: tls.current,
    agentId: "agent-1",
    identifiers: "",
    token: undefined,
    keepaliveTimeMs: 35_000,
  };
}

/** A service whose messages are bytes, whatever they mean. */
function rawMethod(path: string): MethodDefinition<Buffer, Buffer> {
  const same = (bytes: Buffer) => bytes;
  return {
    path,
    requestStream: true,
    responseStream: true,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
}

async function startHostileServer(
  authority: LoopbackTunnel["agentAuthority"],
  path: string,
  serve: (call: RawCall) => void,
) {
  const stop = new AbortController();
  const options = {
    host: "127.0.0.1",
    port: 0,
    tls: tlsOf(authority, await authority.server("127.0.0.1")),
    ciphers: "",
    minVersion: "TLSv1.2",
    keepaliveTimeMs: 3_600_000,
    graceMs: 0,
  } as const;
  const routes = { service: { Method: rawMethod(path) }, handlers: { Method: serve }, raw: {} };
  const protocol = createRpcProtocol(routes, options);
  const server = createListener("hostile", options, { protocol, log: silentLogger });
  const running = server.run(stop.signal);
  await eventually(() => server.port > 0, "it listens");
  return {
    port: server.port,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

const notPackets = ["", "0804", "ffffff", "08042a020801", "0804220c08ffffffffffffffffffffff"];

describe("a server that comes too late", () => {
  it("is not connected to by those who have given up", async () => {
    await using tunnel = await openLoopbackTunnel();
    const [port] = await findFreePorts(1);
    const settings = await settingsOf(tunnel, port);
    const tries = Array.from({ length: 20 }, () => connectToServer(settings, never));
    for (const result of await Promise.allSettled(tries)) assert.equal(result.status, "rejected");
    let connections = 0;
    const late = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    late.listen(port, "127.0.0.1");
    await once(late, "listening");
    // Longer than a channel waits between its first tries.
    await new Promise((resolve) => setTimeout(resolve, 500));
    late.close();
    await once(late, "close");
    assert.equal(connections, 0);
  });
});

describe("a server that sends bytes which are no packet", () => {
  it("loses the agent's stream, and the agent tries again", async () => {
    await using tunnel = await openLoopbackTunnel();
    let connects = 0;
    const serve = (call: RawCall) => {
      const answer = new Metadata();
      answer.set(headers.serverId, `server-${connects}`);
      answer.set(headers.serverCount, "1");
      call.sendMetadata(answer);
      call.on("error", () => undefined);
      const bytes = Buffer.from(notPackets[connects % notPackets.length] ?? "", "hex");
      connects += 1;
      setTimeout(() => call.write(bytes), 50);
    };
    const path = "/AgentService/Connect";
    await using server = await startHostileServer(tunnel.agentAuthority, path, serve);
    const agent = await tunnel.startAgent({ agentPort: server.port });
    await eventually(() => connects > notPackets.length, "it has tried again after each");
    await agent.stop();
  });

  it("fails the dial, and nothing else", async () => {
    await using tunnel = await openLoopbackTunnel();
    let dials = 0;
    const serve = (call: RawCall) => {
      call.on("error", () => undefined);
      call.write(Buffer.from(notPackets[dials % notPackets.length] ?? "", "hex"));
      dials += 1;
    };
    const path = "/ProxyService/Proxy";
    await using server = await startHostileServer(tunnel.frontendAuthority, path, serve);
    const client = await tunnel.startClient([server.port]);
    while (dials < notPackets.length) {
      const dial = client.it.dial("127.0.0.1", 1, new AbortController().signal);
      await assert.rejects(dial, { code: "protocol" });
    }
    assert.equal(client.it.reasonNotReady(), undefined);
  });

  it("loses no more than the stream, whatever packets it sends in whatever order", async () => {
    await using tunnel = await openLoopbackTunnel();
    let packets: readonly Uint8Array[] = [];
    const ended: (() => void)[] = [];
    const serve = (call: RawCall) => {
      const answer = new Metadata();
      answer.set(headers.serverId, `server-${ended.length}`);
      answer.set(headers.serverCount, "1");
      call.sendMetadata(answer);
      call.on("error", () => undefined);
      call.on("data", () => undefined);
      for (const packet of packets) call.write(Buffer.from(packet));
      setTimeout(() => call.end(), 5);
      for (const resolve of ended.splice(0)) resolve();
    };
    await using server = await startHostileServer(
      tunnel.agentAuthority,
      "/AgentService/Connect",
      serve,
    );
    await tunnel.startAgent(
      { agentPort: server.port },
      { syncIntervalMs: 1, syncIntervalCapMs: 5 },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(anyPacket, { maxLength: 6 }), async (next) => {
        packets = next;
        // It comes back, again and again.
        await new Promise<void>((resolve) => ended.push(resolve));
      }),
      runs,
    );
  });

  it("fails the dial, whatever packets it sends in whatever order", async () => {
    await using tunnel = await openLoopbackTunnel();
    let packets: readonly Uint8Array[] = [];
    const serve = (call: RawCall) => {
      call.on("error", () => undefined);
      call.on("data", () => undefined);
      for (const packet of packets) call.write(Buffer.from(packet));
      call.end();
    };
    const path = "/ProxyService/Proxy";
    await using server = await startHostileServer(tunnel.frontendAuthority, path, serve);
    const client = await tunnel.startClient([server.port]);
    await fc.assert(
      fc.asyncProperty(fc.array(anyPacket, { maxLength: 6 }), async (next) => {
        packets = next;
        const dial = client.it.dial("127.0.0.1", 1, never);
        await assert.rejects(dial, (error) => error instanceof TunnelError);
      }),
      runs,
    );
    assert.equal(client.it.reasonNotReady(), undefined);
  });

  it("is given up by an agent when its frames are cut off or none", async () => {
    await using tunnel = await openLoopbackTunnel();
    const { agentAuthority } = tunnel;
    let noise: Uint8Array = Buffer.alloc(0);
    const pair = await agentAuthority.server("127.0.0.1");
    const options = { ...pair, ca: agentAuthority.caPem, ALPNProtocols: ["h2"] };
    const server = createTlsServer(options, (socket) => {
      socket.on("error", () => undefined).resume();
      socket.end(noise);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const settings = await settingsOf(tunnel, port);
    await fc.assert(
      fc.asyncProperty(serverNoise, async (bytes) => {
        noise = bytes;
        await assert.rejects(connectToServer(settings, never), { code: "unreachable" });
      }),
      { numRuns: runs.numRuns / 3 },
    );
    server.close();
    await once(server, "close");
  });

  it("breaks a connection off when it answers for another one", async () => {
    await using tunnel = await openLoopbackTunnel();
    // DIAL_RSP for a random of 1, which is nobody's.
    const answer = Buffer.from("08011a0410011801", "hex");
    const cancelled = Promise.withResolvers<void>();
    const serve = (call: RawCall) => {
      call.on("error", () => undefined);
      call.on("cancelled", () => cancelled.resolve());
      call.write(answer);
    };
    const path = "/ProxyService/Proxy";
    await using server = await startHostileServer(tunnel.frontendAuthority, path, serve);
    const client = await tunnel.startClient([server.port]);
    const dial = client.it.dial("127.0.0.1", 1, new AbortController().signal);
    await assert.rejects(dial, { code: "protocol", message: /another dial/ });
    await cancelled.promise;
  });
});
