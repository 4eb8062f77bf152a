import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, connect as connectHttp2, type Settings } from "node:http2";
import type { Duplex } from "node:stream";
import { describe, it } from "node:test";
import { createMetrics } from "#runtime";
import {
  changeableTls,
  eventually,
  type LoopbackTunnel,
  openLoopbackTunnel,
  tlsOf,
} from "#testing";
import { createAgentMetrics } from "./agent/agent-metrics.ts";
import { AgentSession } from "./agent/agent-session.ts";
import { type ConnectSettings, connectToServer } from "./agent/connect.ts";
import { ReadBuffers } from "./agent/read-buffers.ts";
import { ReceiveBudget } from "./flow/shared-receiver.ts";

import { sessionWindowBytes, streamWindowBytes } from "./rpc/stream-windows.ts";
import { certificateIdentity } from "./server/authorize-agent.ts";
import type { Packet } from "./wire/packet.ts";
import { texts } from "./wire/texts.ts";

const never = new AbortController().signal;

async function settingsFor(tunnel: LoopbackTunnel, port: number): Promise<ConnectSettings> {
  const tls = tlsOf(tunnel.agentAuthority, await tunnel.agentAuthority.client("cluster1"));
  return {
    address: `127.0.0.1:${port}`,
    serverName: undefined,
    tls: tls.current,
    agentId: "scripted",
    identifiers: "host=127.0.0.1",
    token: undefined,
    keepaliveTimeMs: 35_000,
  };
}

/** Opens a plain HTTP/2 session with a client certificate of `authority`. */
async function rawSession(
  authority: LoopbackTunnel["agentAuthority"],
  port: number,
): Promise<ClientHttp2Session> {
  const { ca, cert, key } = tlsOf(authority, await authority.client("raw")).current;
  const session = connectHttp2(`https://127.0.0.1:${port}`, { ca, cert, key });
  session.on("error", () => undefined);
  return session;
}

/** Sends bytes as one gRPC message on a Proxy stream. Returns the status that ends it. */
async function statusAfter(session: ClientHttp2Session, message: Buffer): Promise<string> {
  const stream = session.request({
    ":method": "POST",
    ":path": "/ProxyService/Proxy",
    "content-type": "application/grpc",
    te: "trailers",
  });
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const heard = (headers: Readonly<Record<string, unknown>>) => {
    if (headers["grpc-status"] !== undefined) resolve(headers["grpc-status"]);
  };
  stream.on("response", heard);
  stream.on("trailers", heard);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  stream.write(Buffer.concat([head, message]));
  stream.resume();
  const status = String(await promise);
  stream.close();
  return status;
}

describe("a tunnel server", () => {
  it("announces windows that a link with a long round trip needs", async () => {
    await using tunnel = await openLoopbackTunnel();
    const server = await tunnel.startServer();
    const session = await rawSession(tunnel.agentAuthority, server.it.ports.agents);
    const [settings] = (await once(session, "remoteSettings")) as [Settings];
    assert.equal(settings.initialWindowSize, streamWindowBytes);
    await eventually(
      () => session.state.remoteWindowSize === sessionWindowBytes,
      "the session's window is wide",
    );
    session.destroy();
  });

  it("ends the stream that brings bytes which are no packet, and nothing else", async () => {
    await using tunnel = await openLoopbackTunnel();
    const server = await tunnel.startServer();
    const session = await rawSession(tunnel.frontendAuthority, server.it.ports.frontends);
    const internal = "13";
    assert.equal(await statusAfter(session, Buffer.alloc(0)), internal);
    assert.equal(await statusAfter(session, Buffer.from("0804", "hex")), internal);
    assert.equal(await statusAfter(session, Buffer.from("ffffff", "hex")), internal);
    assert.equal(session.closed, false);
    session.destroy();
  });

  it("lets nobody in who has no certificate of the listener's own CA", async () => {
    await using tunnel = await openLoopbackTunnel();
    const server = await tunnel.startServer();
    const { frontends, agents } = server.it.ports;
    for (const [authority, port] of [
      [tunnel.agentAuthority, frontends],
      [tunnel.frontendAuthority, agents],
    ] as const) {
      const { cert, key } = tlsOf(authority, await authority.client("raw")).current;
      const other = authority === tunnel.agentAuthority ? "frontendAuthority" : "agentAuthority";
      const ca = tunnel[other].caPem;
      const session = connectHttp2(`https://127.0.0.1:${port}`, { ca, cert, key });
      session.on("error", () => undefined);
      session.on("remoteSettings", () => assert.fail("was let in"));
      await once(session, "close");
    }
  });

  it("refuses an agent that claims a host which its certificate does not name", async () => {
    await using tunnel = await openLoopbackTunnel();
    const server = await tunnel.startServer({ authorizeAgent: certificateIdentity() });
    const settings = await settingsFor(tunnel, server.it.ports.agents);
    await assert.rejects(connectToServer({ ...settings, identifiers: "host=cluster2" }, never), {
      message: /does not name cluster2/,
    });
    const admitted = await connectToServer({ ...settings, identifiers: "host=cluster1" }, never);
    admitted.close();
  });

  it("answers a pending dial at once when the agent goes", async () => {
    await using tunnel = await openLoopbackTunnel();
    const server = await tunnel.startServer();
    const mute = await connectToServer(await settingsFor(tunnel, server.it.ports.agents), never);
    const asked = once(mute.stream, "data");
    const client = await tunnel.startClient([server.it.ports.frontends]);
    const dial = client.it.dial("127.0.0.1", 443, never);
    await asked;
    mute.close();
    await assert.rejects(dial, { code: "no_agent", message: /connection .* was lost/ });
  });

  it("answers a dial that its agent does not answer, and closes what comes too late", async () => {
    await using tunnel = await openLoopbackTunnel();
    const server = await tunnel.startServer({ dialTimeoutMs: 50 });
    const mute = await connectToServer(await settingsFor(tunnel, server.it.ports.agents), never);
    const packets: Packet[] = [];
    mute.stream.on("data", (packet: Packet) => packets.push(packet));
    const client = await tunnel.startClient([server.it.ports.frontends]);
    await assert.rejects(client.it.dial("127.0.0.1", 443, never), {
      code: "dial_timeout",
      message: /timed out waiting for backend dial/,
    });
    const [request] = packets;
    assert.ok(request?.type === "dialRequest");
    const { dialId } = request;
    mute.stream.write({ type: "dialResponse", dialId, connectionId: 1n, error: "" });
    await eventually(() => packets.length === 3, "the server has reacted");
    assert.deepEqual(packets.slice(1), [
      { type: "closeDial", dialId },
      { type: "closeRequest", connectionId: 1n },
    ]);
    mute.close();
  });

  it("makes a frontend wait for the next answer once an agent was lost, whatever servers report", async () => {
    await using tunnel = await openLoopbackTunnel();
    const server = await tunnel.startServer();
    const scripted = await connectToServer(
      await settingsFor(tunnel, server.it.ports.agents),
      never,
    );
    const requests: Packet[] = [];
    scripted.stream.on("data", (packet: Packet) => requests.push(packet));
    const client = await tunnel.startClient([server.it.ports.frontends]);
    const answerNext = async (connectionId: bigint) => {
      await eventually(() => requests.length > 0, "the agent is asked");
      const request = requests.shift();
      assert.ok(request?.type === "dialRequest");
      const { dialId } = request;
      scripted.stream.write({ type: "dialResponse", dialId, connectionId, error: "" });
    };
    const first = client.it.dial("127.0.0.1", 443, never);
    await answerNext(1n);
    const lost = await first;
    const error = once(lost, "error");
    scripted.stream.write({ type: "closeResponse", connectionId: 1n, error: texts.agentLost });
    await error;
    let isOpen = false;
    const second = client.it.dialEarly("127.0.0.1", 443, never).finally(() => {
      isOpen = true;
    });
    await eventually(() => requests.length > 0, "the agent is asked");
    assert.equal(isOpen, false);
    await answerNext(2n);
    const good = await second;
    // Now that it is known to be there, nobody waits for its answer.
    const third = await client.it.dialEarly("127.0.0.1", 443, never);
    for (const connection of [good, third]) connection.on("error", () => undefined).destroy();
    scripted.close();
  });

  it("cuts a frontend that reads nothing where connections share a stream", async () => {
    await using tunnel = await openLoopbackTunnel();
    const receiveLimits = { connectionBytes: 1024 * 1024, totalBytes: 8e6, patienceMs: 200 };
    const server = await tunnel.startServer({ receiveLimits });
    const shared = await startSharingAgent(tunnel, server.it.ports.agents);
    const client = await tunnel.startClient([server.it.ports.frontends]);
    const endless = await tunnel.startTarget((socket) => {
      const write = () => {
        while (!socket.destroyed && socket.write(Buffer.alloc(64 * 1024)));
      };
      socket.on("drain", write);
      write();
    });
    const echo = await tunnel.startTarget((socket) => socket.pipe(socket));
    const stalled = await client.it.dial("127.0.0.1", endless, never);
    const cut = once(stalled, "error") as Promise<[Error]>;
    const [error] = await cut;
    assert.match(error.message, /took nothing for too long/);
    const other = await client.it.dial("127.0.0.1", echo, never);
    assert.equal(await pingOnce(other), "ping");
    other.destroy();
    shared.close();
  });

  it("gives dials to another agent while one drains, and lets its connections end", async () => {
    await using tunnel = await openLoopbackTunnel();
    const server = await tunnel.startServer();
    const { frontends, agents } = server.it.ports;
    const draining = await tunnel.startAgent({ agentPort: agents }, { agentId: "a" });
    const client = await tunnel.startClient([frontends]);
    const echo = await tunnel.startTarget((socket) => socket.pipe(socket));
    const old = await client.it.dial("127.0.0.1", echo, never);
    await tunnel.startAgent({ agentPort: agents }, { agentId: "b" });
    const stopping = draining.stop();
    await eventually(() => draining.it.openConnections === 1, "it drains");
    for (let count = 0; count < 5; count += 1) {
      const connection = await client.it.dial("127.0.0.1", echo, never);
      connection.destroy();
    }
    assert.equal(draining.it.openConnections, 1);
    assert.equal(await pingOnce(old), "ping");
    old.destroy();
    await stopping;
  });

  it("takes new certificates and a new CA without touching open streams", async () => {
    await using tunnel = await openLoopbackTunnel();
    await using next = await openLoopbackTunnel();
    const name = "127.0.0.1";
    const server = tlsOf(tunnel.frontendAuthority, await tunnel.frontendAuthority.server(name));
    const frontendTls = changeableTls(server);
    const started = await tunnel.startServer({ frontendTls });
    const { frontends, agents } = started.it.ports;
    await tunnel.startAgent({ agentPort: agents });
    const client = tlsOf(tunnel.frontendAuthority, await tunnel.frontendAuthority.client("f"));
    const clientTls = changeableTls(client);
    const dialler = await tunnel.startClient([frontends], { tls: clientTls });
    const echo = await tunnel.startTarget((socket) => socket.pipe(socket));
    const open = await dialler.it.dial(name, echo, never);
    // Both sides move to another CA altogether: what is open stays, what is new uses the new one.
    frontendTls.change(tlsOf(next.frontendAuthority, await next.frontendAuthority.server(name)));
    clientTls.change(tlsOf(next.frontendAuthority, await next.frontendAuthority.client("f")));
    assert.equal(await pingOnce(open), "ping");
    const newcomer = await next.startClient([frontends]);
    const second = await newcomer.it.dial(name, echo, never);
    assert.equal(await pingOnce(second), "ping");
    const third = await dialler.it.dial(name, echo, never);
    assert.equal(await pingOnce(third), "ping");
    for (const connection of [open, second, third]) connection.destroy();
  });
});

async function pingOnce(connection: Duplex): Promise<string> {
  connection.write("ping");
  const [answer] = (await once(connection, "data")) as [Buffer];
  return answer.toString();
}

/** An agent that shares one stream between all connections, as the Go program does. */
async function startSharingAgent(tunnel: LoopbackTunnel, port: number) {
  const server = await connectToServer(await settingsFor(tunnel, port), never);
  const session = new AgentSession({
    stream: server.stream,
    openCarrier: undefined,
    budget: new ReceiveBudget(),
    policy: () => undefined,
    buffers: new ReadBuffers(),
    metrics: createAgentMetrics(createMetrics()),
  });
  server.stream.on("data", (packet: Packet) => session.handle(packet));
  return {
    close() {
      session.close();
      server.close();
    },
  };
}
