import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { describe, it } from "node:test";
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

async function readAll(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
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
    connection.end(sent);
    assert.equal(sha256(await got.promise), sha256(sent));
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
