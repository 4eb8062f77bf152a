import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex, Writable } from "node:stream";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { createMetrics } from "#runtime";
import { eventually, openLoopbackTunnel } from "#testing";

const never = new AbortController().signal;

async function startAll(options: Parameters<Tunnel["startServer"]>[0] = {}) {
  const tunnel = await openLoopbackTunnel();
  const server = await tunnel.startServer(options);
  const { frontends, agents } = server.it.ports;
  const agent = await tunnel.startAgent({ agentPort: agents });
  const client = await tunnel.startClient([frontends]);
  return {
    tunnel,
    server,
    agent,
    client,
    [Symbol.asyncDispose]: () => tunnel[Symbol.asyncDispose](),
  };
}

type Tunnel = Awaited<ReturnType<typeof openLoopbackTunnel>>;

/** Everything until the end. The stream is closed then. */
async function readAll(stream: Duplex): Promise<Buffer> {
  const all = await readHalf(stream);
  stream.destroy();
  return all;
}

/** Everything until the end. What can still be written to stays open. */
async function readHalf(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

/** Answers with the digest of what it was sent, once it has all of it. */
function startSummingTarget(tunnel: Tunnel): Promise<number> {
  return tunnel.startHalfOpenTarget(async (socket) => {
    socket.end(sha256(await readHalf(socket)));
  });
}

/** Writes as fast as the stream takes it. */
function writeForever(stream: Writable): void {
  const chunk = Buffer.alloc(64 * 1024);
  const write = () => {
    while (stream.writable && stream.write(chunk));
  };
  stream.on("drain", write);
  write();
}

/** The slowest of the answers that an echo gives during some time. */
async function slowestPing(connection: Duplex, durationMs: number): Promise<number> {
  let slowestMs = 0;
  const end = performance.now() + durationMs;
  while (performance.now() < end) {
    const sentAt = performance.now();
    connection.write("ping");
    await once(connection, "data");
    slowestMs = Math.max(slowestMs, performance.now() - sentAt);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return slowestMs;
}

/** Waits until a count stays what it is. */
async function steady(count: () => number): Promise<void> {
  let [last, since] = [count(), performance.now()];
  await eventually(() => {
    const next = count();
    if (next !== last) [last, since] = [next, performance.now()];
    return performance.now() - since > 300;
  }, "the count is steady");
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

describe("a tunnel over loopback", () => {
  it("carries megabytes both ways at once, unchanged", async () => {
    await using all = await startAll();
    const port = await all.tunnel.startTarget((socket) => socket.pipe(socket));
    const connection = await all.client.it.dial("127.0.0.1", port, never);
    const sent = randomBytes(8 * 1024 * 1024);
    let received = 0;
    const hash = createHash("sha256");
    const echoed = new Promise<void>((resolve) => {
      connection.on("data", (chunk: Buffer) => {
        hash.update(chunk);
        received += chunk.length;
        if (received === sent.length) resolve();
      });
    });
    connection.write(sent);
    await echoed;
    assert.equal(hash.digest("hex"), sha256(sent));
    connection.end();
    await once(connection, "close");
  });

  it("delivers everything that the target wrote before it closed", async () => {
    await using all = await startAll();
    const sent = randomBytes(3 * 1024 * 1024);
    const port = await all.tunnel.startTarget((socket) => socket.end(sent));
    const connection = await all.client.it.dial("127.0.0.1", port, never);
    assert.equal(sha256(await readAll(connection)), sha256(sent));
  });

  it("delivers everything that the frontend wrote before it closed", async () => {
    await using all = await startAll();
    const sent = randomBytes(3 * 1024 * 1024);
    const got = Promise.withResolvers<Buffer>();
    const port = await all.tunnel.startTarget((socket) => void readAll(socket).then(got.resolve));
    const connection = await all.client.it.dial("127.0.0.1", port, never);
    connection.end(sent).resume();
    assert.equal(sha256(await got.promise), sha256(sent));
    await once(connection, "close");
  });

  it("lets a target answer that hears the end of the frontend's data", async () => {
    await using all = await startAll();
    const sent = randomBytes(3 * 1024 * 1024);
    const port = await startSummingTarget(all.tunnel);
    const connection = await all.client.it.dial("127.0.0.1", port, never);
    connection.end(sent);
    assert.equal(String(await readAll(connection)), sha256(sent));
    await eventually(() => all.agent.it.openConnections === 0, "the agent has no connection");
  });

  it("lets a frontend go on that hears the end of the target's data", async () => {
    await using all = await startAll();
    const got = Promise.withResolvers<Buffer>();
    const port = await all.tunnel.startHalfOpenTarget((socket) => {
      socket.end("now you");
      void readHalf(socket).then(got.resolve);
    });
    const connection = await all.client.it.dial("127.0.0.1", port, never);
    assert.equal(String(await readHalf(connection)), "now you");
    const sent = randomBytes(3 * 1024 * 1024);
    connection.end(sent);
    assert.equal(sha256(await got.promise), sha256(sent));
    await eventually(() => all.agent.it.openConnections === 0, "the agent has no connection");
  });

  it("does not let a target that resets look like one that has ended", async () => {
    await using all = await startAll();
    const port = await all.tunnel.startTarget((socket) => {
      socket.once("data", () => socket.resetAndDestroy());
    });
    const connection = await all.client.it.dial("127.0.0.1", port, never);
    connection.write("x");
    await assert.rejects(readAll(connection), { code: "closed", message: /target reset/ });
  });

  it("takes what is written before the target is reached along with the dial", async () => {
    await using all = await startAll();
    const port = await startSummingTarget(all.tunnel);
    const host = "127.0.0.1";
    (await all.client.it.dialEarly(host, port, never)).destroy();
    // Less and more than what is sent ahead.
    for (const size of [5, 100_000]) {
      const sent = randomBytes(size);
      const connection = await all.client.it.dialEarly(host, port, never);
      connection.end(sent);
      assert.equal(String(await readAll(connection)), sha256(sent));
    }
  });

  it("ends a connection with the error of its dial when it was handed out before", async () => {
    await using all = await startAll();
    const port = await all.tunnel.startTarget((socket) => socket.end());
    (await all.client.it.dialEarly("127.0.0.1", port, never)).destroy();
    const connection = await all.client.it.dialEarly("127.0.0.1", 1, never);
    connection.write("x");
    await assert.rejects(readAll(connection), { code: "dial_refused" });
  });

  it("waits for an agent that was there a moment ago", async () => {
    await using all = await startAll();
    const port = await all.tunnel.startTarget((socket) => socket.end("hello"));
    (await all.client.it.dial("127.0.0.1", port, never)).destroy();
    await all.agent.stop();
    const dial = all.client.it.dial("127.0.0.1", port, never);
    await all.tunnel.startAgent({ agentPort: all.server.it.ports.agents });
    assert.equal(String(await readAll(await dial)), "hello");
  });

  it("carries connections in raw streams where all is ours", async () => {
    const paths: unknown[] = [];
    const note = (message: unknown) => {
      paths.push((message as { headers: Record<string, unknown> }).headers[":path"]);
    };
    subscribe("http2.client.stream.created", note);
    await using all = await startAll();
    const port = await all.tunnel.startTarget((socket) => socket.end("bye"));
    const connection = await all.client.it.dial("127.0.0.1", port, never);
    assert.equal(String(await readAll(connection)), "bye");
    unsubscribe("http2.client.stream.created", note);
    const expected = ["TunnelService/Proxy", "TunnelService/Carry"].map(
      (name) => `/spokeway.${name}`,
    );
    for (const path of expected) assert.ok(paths.includes(path), path);
  });

  it("reports a target that refuses", async () => {
    await using all = await startAll();
    const dial = all.client.it.dial("127.0.0.1", 1, never);
    await assert.rejects(dial, {
      code: "dial_refused",
      message: /dial tcp 127.0.0.1:1: connect: connection refused/,
    });
  });

  it("reports a host that no agent serves", async () => {
    await using all = await startAll();
    await assert.rejects(all.client.it.dial("elsewhere", 443, never), {
      code: "no_agent",
      message: /elsewhere:443.*No agent available/,
    });
  });

  it("reports that no server answers", async () => {
    await using all = await startAll();
    await all.server.stop();
    await assert.rejects(all.client.it.dial("127.0.0.1", 443, never), { code: "unreachable" });
  });

  for (const way of ["dial", "dialEarly"] as const) {
    it(`waits a moment for an agent that was lost, also where all were early dials: ${way}`, async () => {
      await using all = await startAll();
      const port = await all.tunnel.startTarget((socket) => socket.pipe(socket));
      // Once the server has told what it holds, the first dial need not wait for an answer.
      await sleep(500);
      const early = await all.client.it.dialEarly("127.0.0.1", port, never);
      early.write("ping");
      await once(early, "data");
      early.on("error", () => undefined);
      // At once, as whoever tries again does: the server may not have said yet that the agent is gone.
      const redialled = new Promise<Duplex>((resolve, reject) => {
        early.once("close", () => {
          all.client.it[way]("127.0.0.1", port, never).then(resolve, reject);
        });
      });
      await all.agent.stop();
      await all.tunnel.startAgent({ agentPort: all.server.it.ports.agents });
      const again = await redialled;
      again.write("ping");
      assert.deepEqual(await once(again, "data"), [Buffer.from("ping")]);
      again.destroy();
    });
  }

  it("counts what its client does", async () => {
    await using all = await startAll();
    const metrics = createMetrics();
    const client = await all.tunnel.startClient([all.server.it.ports.frontends], { metrics });
    const port = await all.tunnel.startTarget((socket) => socket.pipe(socket));
    const connection = await client.it.dial("127.0.0.1", port, never);
    connection.write("ping");
    await once(connection, "data");
    const has = async (line: string) =>
      assert.ok((await metrics.text()).includes(`konnectivity_network_proxy_client_${line}\n`));
    await has('client_connections{status="ok"} 1');
    connection.destroy();
    await once(connection, "close");
    await assert.rejects(client.it.dial("127.0.0.1", 1, never));
    await has('client_connections{status="ok"} 0');
    await has('client_connections{status="dialing"} 0');
    await has('dial_failure_total{reason="endpoint"} 1');
    await has('stream_packets_total{segment="from_client",packet_type="DIAL_REQ"} 2');
    await has('stream_bytes_total{segment="to_client"} 4');
  });

  it("gives a dial up when its signal aborts", async () => {
    await using all = await startAll();
    const stop = new AbortController();
    // An address that answers nothing (RFC 5737).
    const dial = all.client.it.dial("127.0.0.1", 1, AbortSignal.any([stop.signal]));
    stop.abort(new Error("enough"));
    await assert.rejects(dial, /enough|refused/);
  });

  it("tells a connection that its agent is gone", async () => {
    await using all = await startAll();
    const port = await all.tunnel.startTarget(() => undefined);
    const connection = await all.client.it.dial("127.0.0.1", port, never);
    const failed = once(connection, "error") as Promise<[Error]>;
    await all.agent.stop();
    const [error] = await failed;
    assert.match(error.message, /agent's connection to the tunnel server was lost/);
  });

  it("carries TLS and HTTP on top", async () => {
    await using all = await startAll();
    const { cert, key } = await all.tunnel.frontendAuthority.server("managed.example");
    const server = createHttpsServer({ cert, key }, (_request, response) => response.end("ok"));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const socket = await all.client.it.dial("127.0.0.1", port, never);
    const ca = all.tunnel.frontendAuthority.caPem;
    const secure = connectTls({ socket, ca, servername: "managed.example" });
    secure.write("GET / HTTP/1.1\r\nHost: managed.example\r\nConnection: close\r\n\r\n");
    assert.match((await readAll(secure)).toString(), /^HTTP\/1.1 200 OK[^]*ok/);
    server.close();
  });

  it("gives a frontend that reads nothing no hold on the others", async () => {
    await using all = await startAll();
    const endless = await all.tunnel.startTarget(writeForever);
    const echo = await all.tunnel.startTarget((socket) => socket.pipe(socket));
    const stalled = await all.client.it.dial("127.0.0.1", endless, never);
    stalled.on("error", () => undefined);
    const quick = await all.client.it.dial("127.0.0.1", echo, never);
    quick.on("error", () => undefined);
    const slowestMs = await slowestPing(quick, 1500);
    // A hold lasts as long as the other one reads nothing; a busy machine takes a second.
    assert.ok(slowestMs < 10_000, `slowest answer took ${slowestMs} ms`);
    assert.equal(stalled.destroyed, false);
    for (const connection of [stalled, quick]) connection.destroy();
  });

  it("gives a target that reads nothing no hold on the others", async () => {
    await using all = await startAll();
    const deaf = await all.tunnel.startTarget((socket) => socket.pause());
    const echo = await all.tunnel.startTarget((socket) => socket.pipe(socket));
    const stalled = await all.client.it.dial("127.0.0.1", deaf, never);
    stalled.on("error", () => undefined);
    writeForever(stalled);
    const quick = await all.client.it.dial("127.0.0.1", echo, never);
    quick.on("error", () => undefined);
    const slowestMs = await slowestPing(quick, 1500);
    // A hold lasts as long as the other one reads nothing; a busy machine takes a second.
    assert.ok(slowestMs < 10_000, `slowest answer took ${slowestMs} ms`);
    await eventually(() => stalled.writableNeedDrain, "the writer is told to wait");
    for (const connection of [stalled, quick]) connection.destroy();
  });

  it("counts nothing as open once everything is closed, aborted dials included", async () => {
    await using all = await startAll();
    const port = await all.tunnel.startTarget((socket) => socket.pipe(socket));
    for (let round = 0; round < 20; round += 1) {
      const stop = new AbortController();
      const dials = Array.from({ length: 6 }, (_, index) => {
        const signal = index % 3 === 0 ? stop.signal : never;
        return all.client.it.dial("127.0.0.1", port, signal);
      });
      setImmediate(() => stop.abort());
      for (const dial of await Promise.allSettled(dials)) {
        if (dial.status === "fulfilled") dial.value.destroy();
      }
    }
    await eventually(() => all.agent.it.openConnections === 0, "the agent has no connection");
    const text = await all.server.metrics.text();
    assert.match(text, /server_established_connections 0/);
    assert.match(text, /server_pending_backend_dials 0/);
    assert.match(text, /grpc_connections\{service_method="Proxy"\} 0/);
  });

  it("goes on however many connections are abandoned", async () => {
    await using all = await startAll();
    const port = await all.tunnel.startTarget((socket) => socket.pipe(socket));
    const abandon = async (): Promise<void> => {
      const connection = await all.client.it.dial("127.0.0.1", port, never);
      connection.write("x");
      connection.destroy();
    };
    // More than HTTP/2 lets a peer reset by itself.
    for (let batch = 0; batch < 100; batch += 1) {
      await Promise.all(Array.from({ length: 16 }, abandon));
    }
    const kept = all.agent.it.connectedServers;
    assert.equal(kept.length, 1);
    await eventually(() => all.agent.it.openConnections === 0, "all are closed");
  });

  it("reads next to nothing from a target that sends for nobody any more", async () => {
    await using all = await startAll();
    const target = Promise.withResolvers<Socket>();
    const port = await all.tunnel.startHalfOpenTarget((socket) => {
      writeForever(socket);
      target.resolve(socket);
    });
    const connection = await all.client.it.dial("127.0.0.1", port, never);
    await once(connection, "data");
    connection.pause();
    const socket = await target.promise;
    await steady(() => socket.bytesWritten);
    const held = socket.bytesWritten;
    const closed = new Promise((resolve) => socket.once("close", resolve));
    connection.destroy();
    await closed;
    assert.ok(socket.bytesWritten - held < 32 * 1024 * 1024, `${socket.bytesWritten - held}`);
  });

  it("finds the server again after it was away, on both sides", async () => {
    await using all = await startAll();
    const { frontends, agents } = all.server.it.ports;
    await all.server.stop();
    await eventually(() => all.agent.it.connectedServers.length === 0, "the agent noticed");
    await all.tunnel.startServer({ frontendPort: frontends, agentPort: agents });
    await eventually(() => all.agent.it.connectedServers.length === 1, "the agent is back");
    await eventually(() => all.client.it.reasonNotReady() === undefined, "the client is back");
    const port = await all.tunnel.startTarget((socket) => socket.end("hello"));
    const connection = await all.client.it.dial("127.0.0.1", port, never);
    assert.equal((await readAll(connection)).toString(), "hello");
  });
});
