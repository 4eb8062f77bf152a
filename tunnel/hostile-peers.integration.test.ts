import assert from "node:assert/strict";
import { once } from "node:events";
import {
  type ClientHttp2Session,
  connect as connectHttp2,
  type OutgoingHttpHeaders,
} from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { connect as connectTls, type TLSSocket } from "node:tls";
import * as fc from "fast-check";
import { isTorture } from "#bed";
import {
  anyMessage,
  clientNoise,
  eventually,
  type LoopbackTunnel,
  openLoopbackTunnel,
  type RunningServer,
  type TestAuthority,
} from "#testing";
import type { TunnelClient } from "./client/tunnel-client.ts";
import { headers } from "./rpc/services.ts";

const never = new AbortController().signal;
const runs = { numRuns: isTorture ? 900 : 150 };
const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

describe("peers with good certificates and bad manners", { timeout: 120_000 }, () => {
  let tunnel: LoopbackTunnel;
  let server: RunningServer;
  let client: TunnelClient;
  let target = 0;
  before(async () => {
    tunnel = await openLoopbackTunnel();
    server = await tunnel.startServer();
    await tunnel.startAgent({ agentPort: server.it.ports.agents });
    client = (await tunnel.startClient([server.it.ports.frontends])).it;
    target = await tunnel.startTarget((socket) => socket.pipe(socket));
  });
  after(() => tunnel[Symbol.asyncDispose]());

  /** The process goes on, and so does everybody else. */
  const stillServes = async () => {
    const connection = await client.dial("127.0.0.1", target, never);
    connection.on("error", () => undefined);
    connection.write("still there");
    const [answer] = (await once(connection, "data")) as [Buffer];
    assert.equal(answer.toString(), "still there");
    connection.destroy();
  };

  const doors = [
    ["frontends", () => tunnel.frontendAuthority, () => server.it.ports.frontends],
    ["agents", () => tunnel.agentAuthority, () => server.it.ports.agents],
  ] as const;

  for (const [door, authority, port] of doors) {
    it(`noise on the ${door}' port ends that connection alone`, async () => {
      const pair = await authority().client("noisy");
      await fc.assert(
        fc.asyncProperty(clientNoise, async (bytes) => {
          const socket = connectTls({
            host: "127.0.0.1",
            port: port(),
            ca: authority().caPem,
            ...pair,
            ALPNProtocols: ["h2"],
          });
          await goneAfter(socket, bytes);
        }),
        { numRuns: runs.numRuns / 3 },
      );
      await stillServes();
    });
  }

  it("bytes that are no TLS are counted by reason and end that connection alone", async () => {
    const socket = connectTcp(server.it.ports.agents, "127.0.0.1");
    await goneAfter(socket, Buffer.from("GET / HTTP/1.1\r\n\r\n"));
    assert.match(
      await server.metrics.text(),
      /tls_handshake_refusals_total\{listener="agents",reason="protocol"\} /,
    );
    await stillServes();
  });

  it("a stranger's certificate, or none, is refused and counted", async () => {
    for (const [pair, reason] of [
      [{}, "no_certificate"],
      // The agents' CA opens no port for frontends.
      [await tunnel.agentAuthority.client("agent"), "untrusted_certificate"],
    ] as const) {
      const port = server.it.ports.frontends;
      const ca = tunnel.frontendAuthority.caPem;
      const socket = connectTls({ host: "127.0.0.1", port, ca, ...pair, ALPNProtocols: ["h2"] });
      await goneAfter(socket, preface);
      const series = `tls_handshake_refusals_total{listener="frontends",reason="${reason}"} 1`;
      let text = "";
      await eventually(() => {
        void server.metrics.text().then((now) => (text = now));
        return text.includes(series);
      }, `it counts ${reason}`);
    }
    await stillServes();
  });

  const calls: Readonly<Record<string, readonly [0 | 1, string, OutgoingHttpHeaders]>> = {
    Proxy: [0, "/ProxyService/Proxy", {}],
    Connect: [
      1,
      "/AgentService/Connect",
      { [headers.agentId]: "hostile", [headers.agentIdentifiers]: "host=hostile" },
    ],
  };
  for (const [name, [door, path, more]] of Object.entries(calls)) {
    it(`fuzzed messages end a ${name} stream with a status, and nothing else`, async () => {
      const [, authority, port] = doors[door];
      const session = await openSession(authority(), port());
      await fc.assert(
        fc.asyncProperty(fc.array(anyMessage, { maxLength: 6 }), async (messages) => {
          const status = await statusOf(session, { ":path": path, ...more }, messages);
          assert.match(status, /^(?:reset )?\d+$/);
        }),
        runs,
      );
      assert.ok(!session.destroyed, "the session goes on");
      session.close();
      await stillServes();
      await eventually(() => server.it.reasonNotReady() === undefined, "it is ready");
    });
  }

  it("fuzzed headers on the streams of our own ends are refused", async () => {
    const value = fc.constantFrom("", "1", "-1", "=%", "=host%3A1", "99999999999999999999");
    for (const [door, path, names] of [
      [0, "/spokeway.TunnelService/Proxy", ["spokeway-address"]],
      [
        1,
        "/spokeway.TunnelService/Carry",
        ["spokeway-session", "spokeway-dial", "spokeway-connection"],
      ],
    ] as const) {
      const [, authority, port] = doors[door];
      const session = await openSession(authority(), port());
      await fc.assert(
        fc.asyncProperty(fc.array(value, { minLength: 3, maxLength: 3 }), async (values) => {
          const sent = Object.fromEntries(names.map((header, index) => [header, values[index]]));
          const stream = session.request({ ":method": "POST", ":path": path, ...sent });
          stream.on("error", () => undefined).resume();
          stream.end("noise");
          const [answer] = (await once(stream, "response")) as [{ ":status"?: number }];
          assert.ok((answer[":status"] ?? 0) >= 400);
          stream.close();
        }),
        { numRuns: runs.numRuns / 3 },
      );
      session.close();
    }
    await stillServes();
  });
});

/** Writes, and waits until the other side or a moment ends it. */
async function goneAfter(socket: Socket | TLSSocket, bytes: Uint8Array): Promise<void> {
  socket.on("error", () => undefined);
  const closed = new Promise((resolve) => socket.once("close", resolve));
  const secured = "encrypted" in socket ? "secureConnect" : "connect";
  socket.once(secured, () => {
    socket.write(bytes);
    setTimeout(() => socket.end(), 5);
    setTimeout(() => socket.destroy(), 50);
  });
  socket.resume();
  await closed;
}

async function openSession(authority: TestAuthority, port: number): Promise<ClientHttp2Session> {
  const pair = await authority.client("hostile");
  const session = connectHttp2(`https://127.0.0.1:${port}`, { ca: authority.caPem, ...pair });
  session.on("error", () => undefined);
  await once(session, "connect");
  return session;
}

/** Opens a gRPC call, sends messages and ends it. Returns the status that it ends with. */
async function statusOf(
  session: ClientHttp2Session,
  sent: OutgoingHttpHeaders,
  messages: readonly Buffer[],
): Promise<string> {
  const stream = session.request({
    ":method": "POST",
    te: "trailers",
    "content-type": "application/grpc",
    ...sent,
  });
  let status = "";
  const read = (got: OutgoingHttpHeaders) => {
    status ||= String(got["grpc-status"] ?? "");
  };
  stream
    .on("error", () => undefined)
    .on("response", read)
    .on("trailers", read)
    .resume();
  for (const message of messages) stream.write(message);
  stream.end();
  await new Promise((resolve) => stream.once("close", resolve));
  // Clients of gRPC read a reset as a status as well.
  return status === "" && stream.rstCode > 0 ? `reset ${stream.rstCode}` : status;
}
