import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, connect as connectH2 } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { describe, it } from "node:test";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { silentLogger } from "#runtime";
import { floods, makeAuthority, oversizedFields, stalls, type TestAuthority } from "#testing";
import { eventually } from "../under-test/transport-under-test.ts";
import type { FrontRefusal } from "./connections.ts";
import { createFront, type FrontOptions } from "./front.ts";

/** A front, what it turned away, and a client that behaves. */
async function startFront(authority: TestAuthority, options: Partial<FrontOptions> = {}) {
  const refused: FrontRefusal[] = [];
  const front = createFront({
    host: "127.0.0.1",
    port: 0,
    tls: await authority.server("front.test"),
    handle: (exchange) => exchange.answer({ status: 200, headers: [] }, "ok"),
    onRefused: (reason) => void refused.push(reason),
    log: silentLogger,
    drainMs: 0,
    ...options,
  });
  const stop = new AbortController();
  const running = front.run(stop.signal);
  const victim = {
    host: "127.0.0.1",
    port: await front.port,
    caPem: authority.caPem,
    serverName: "front.test",
  };
  const connect = () => {
    const options = { ca: authority.caPem, servername: "front.test" };
    const session = connectH2(`https://127.0.0.1:${victim.port}`, options);
    return session.on("error", () => undefined);
  };
  const askOn = async (session: ClientHttp2Session) =>
    (await buffer(session.request({ ":path": "/" }))).toString();
  const good = connect();
  const ask = async () => askOn(good);
  assert.equal(await ask(), "ok");
  return {
    victim,
    refused,
    ask,
    async askAnew() {
      const session = connect();
      try {
        return await askOn(session);
      } finally {
        session.destroy();
      }
    },
    async [Symbol.asyncDispose]() {
      good.destroy();
      stop.abort();
      await running;
    },
  };
}

describe("a front", () => {
  for (const [name, attack] of Object.entries(floods)) {
    it(`ends a connection with ${name}, counts it, and serves the others`, async () => {
      await using front = await startFront(await makeAuthority());
      const attacked = attack(front.victim);
      assert.equal(await front.ask(), "ok");
      await attacked;
      await eventually("the count", () => front.refused.includes("malformed"));
      assert.equal(await front.ask(), "ok");
    });
  }

  it("refuses fields of HTTP/2 that are too large, and serves the others", async () => {
    let handled = 0;
    await using front = await startFront(await makeAuthority(), {
      handle(exchange) {
        handled += 1;
        exchange.answer({ status: 200, headers: [] }, "ok");
      },
    });
    await oversizedFields(front.victim);
    assert.equal(await front.ask(), "ok");
    assert.equal(handled, 2);
  });

  for (const [name, attack] of Object.entries(stalls)) {
    it(`does not wait for ever for a client that sends ${name}, and counts it`, async () => {
      const limits = { handshakeTimeoutMs: 100, headTimeoutMs: 100 };
      await using front = await startFront(await makeAuthority(), limits);
      const attacked = attack(front.victim);
      assert.equal(await front.ask(), "ok");
      await attacked;
      await eventually("the count", () => front.refused.length > 0);
      assert.deepEqual(front.refused, ["slow"]);
      assert.equal(await front.ask(), "ok");
    });
  }

  it("leaves a session of HTTP/2 open that its client has in store, if it came with a certificate", async () => {
    const authority = await makeAuthority();
    await using front = await startFront(authority, {
      tls: { ...(await authority.server("front.test")), clientCas: [authority.caPem] },
      headTimeoutMs: 50,
    });
    const { port } = front.victim;
    const options = { ca: authority.caPem, servername: "front.test" };
    const pair = await authority.client("hub");
    const known = connectH2(`https://127.0.0.1:${port}`, { ...options, ...pair });
    const unknown = connectH2(`https://127.0.0.1:${port}`, options);
    await Promise.all([once(known, "connect"), once(unknown, "connect")]);
    await once(unknown, "close");
    assert.equal((await buffer(known.request({ ":path": "/" }))).toString(), "ok");
    known.destroy();
  });

  it("lets one address have so many connections, and more once some have ended", async () => {
    // Who leaves during the handshake may have left in one direction only, until its time is up.
    const limits = { connectionsPerAddress: 3, handshakeTimeoutMs: 300 };
    await using front = await startFront(await makeAuthority(), limits);
    const { host, port } = front.victim;
    const openOne = () => connectTcp({ host, port }).on("error", () => undefined);
    const held = [openOne(), openOne()];
    await Promise.all(held.map(async (socket) => once(socket, "connect")));
    await new Promise((resolve) => openOne().resume().once("close", resolve));
    assert.deepEqual(front.refused, ["too_many_connections"]);
    assert.equal(await front.ask(), "ok");
    for (const socket of held) socket.destroy();
    await eventually("room", async () => (await front.askAnew().catch(() => "")) === "ok");
  });

  const ends: Readonly<Record<string, (socket: TLSSocket, raw: Socket) => void>> = {
    "by its client": (socket) => socket.end(),
    "by its client, with a reset": (_socket, raw) => raw.resetAndDestroy(),
    "after its answer": (socket) =>
      socket.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
    "by a cut": (socket) => socket.write("GET /cut HTTP/1.1\r\nHost: a\r\n\r\n"),
    "after an upgrade": (socket) =>
      socket.write(
        "GET /up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
      ),
    "for what it sent": (socket) => socket.write("nonsense\r\n\r\n"),
  };
  for (const [how, end] of Object.entries(ends)) {
    it(`forgets a connection that ended ${how}`, async () => {
      await using front = await startFront(await makeAuthority(), {
        connectionsPerAddress: 3,
        handle(exchange) {
          if (exchange.target === "/cut") exchange.cut();
          else if (exchange.target === "/up") exchange.switchProtocols([]).end("bye");
          else exchange.answer({ status: 200, headers: [] }, "ok");
        },
      });
      const { host, port, caPem: ca, serverName: servername } = front.victim;
      for (let times = 0; times < 6; times += 1) {
        await eventually("room for another", async () => {
          const raw = connectTcp({ host, port }).on("error", () => undefined);
          const socket = connectTls({ socket: raw, ca, servername }).on("error", () => undefined);
          const closed = new Promise((resolve) => socket.once("close", resolve));
          socket.resume().once("secureConnect", () => end(socket, raw));
          let isSecure = false;
          socket.once("secureConnect", () => {
            isSecure = true;
          });
          await closed;
          return isSecure;
        });
      }
      assert.equal(await front.ask(), "ok");
    });
  }

  it("ends although a handshake is under way", async () => {
    const front = await startFront(await makeAuthority());
    const socket = connectTcp(front.victim).on("error", () => undefined);
    await once(socket, "connect");
    await front[Symbol.asyncDispose]();
    await new Promise((resolve) => socket.resume().once("close", resolve));
  });
});
