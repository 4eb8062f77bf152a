import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, connect as connectH2, constants } from "node:http2";
import { connect as connectTcp } from "node:net";
import { buffer } from "node:stream/consumers";
import { before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { connect, type TLSSocket } from "node:tls";
import { silentLogger } from "#runtime";
import { makeAuthority, type TestAuthority } from "#testing";
import { eventually } from "../under-test/transport-under-test.ts";
import type { Exchange } from "./exchange.ts";
import { createFront } from "./front.ts";

let authority: TestAuthority;
before(async () => {
  authority = await makeAuthority();
});

async function startFront(handle: (exchange: Exchange) => void, drainMs = 1000) {
  const clientCas = [authority.caPem];
  const tls = { ...(await authority.server("first.test")), clientCas };
  const front = createFront({
    host: "127.0.0.1",
    port: 0,
    tls,
    handle,
    log: silentLogger,
    drainMs,
  });
  const stop = new AbortController();
  const ended = front.run(stop.signal);
  const port = await front.port;
  const options = { host: "127.0.0.1", port, ca: authority.caPem };
  return {
    front,
    port,
    stop: async () => {
      stop.abort();
      await ended;
    },
    h1: async (extra: object = {}): Promise<TLSSocket> => {
      const socket = connect({ ...options, servername: "first.test", ...extra });
      socket.on("error", () => undefined);
      await once(socket, "secureConnect");
      return socket;
    },
    h2: (): ClientHttp2Session => {
      const session = connectH2("https://first.test", {
        createConnection: () =>
          connect({ ...options, servername: "first.test", ALPNProtocols: ["h2"] }),
      });
      session.on("error", () => undefined);
      return session;
    },
  };
}

const ok = (exchange: Exchange) => exchange.answer({ status: 200, headers: [] }, "ok");

describe("createFront()", () => {
  it("lets requests under way finish and takes no new ones when it is asked to end", async () => {
    const held: Exchange[] = [];
    const { stop, h1, h2 } = await startFront((exchange) => void held.push(exchange));
    const idle = await h1();
    const busy = await h1();
    busy.write("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    const session = h2();
    const stream = session.request({ ":path": "/b" });
    await eventually("two requests", () => held.length === 2);
    const stopped = stop();
    await once(idle.resume(), "close");
    for (const exchange of held) ok(exchange);
    assert.equal((await buffer(stream)).toString(), "ok");
    assert.match((await buffer(busy)).toString(), /^HTTP\/1.1 200 [\s\S]*ok$/);
    await stopped;
  });

  it("sends on whoever was still shaking hands when it was asked to end", async () => {
    const { stop, h1, port } = await startFront(ok, 60_000);
    const early = connectTcp(port, "127.0.0.1");
    await once(early, "connect");
    // Connections are taken in turn: once this one is there, the one before is as well.
    const next = await h1();
    const stopped = stop();
    const session = connectH2("https://first.test", {
      createConnection: () =>
        connect({
          socket: early,
          ca: authority.caPem,
          servername: "first.test",
          ALPNProtocols: ["h2"],
        }),
    });
    session.on("error", () => undefined);
    await once(session, "close");
    next.destroy();
    await stopped;
  });

  it("cuts what does not finish in time", async () => {
    const { stop, h1 } = await startFront(() => undefined, 50);
    const busy = await h1();
    busy.write("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    await delay(20);
    const closed = once(busy.resume(), "close");
    await stop();
    await closed;
  });

  it("shows a renewed certificate to new connections and keeps the old ones", async () => {
    const { front, stop, h1 } = await startFront(ok);
    const old = await h1();
    front.secure(await authority.server("second.test"));
    const renewed = await h1({ servername: "second.test" });
    assert.equal(renewed.getPeerCertificate().subject.CN, "second.test");
    old.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert.match((await buffer(old)).toString(), /200 OK/);
    renewed.destroy();
    await stop();
  });

  it("hands over the client's certificate and lets in who has none", async () => {
    const names: (string | undefined)[] = [];
    const { stop, h1 } = await startFront((exchange) => {
      names.push(exchange.peer.tls.getPeerX509Certificate()?.subject);
      ok(exchange);
    });
    for (const pair of [await authority.client("ann"), {}]) {
      const socket = await h1(pair);
      socket.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      await buffer(socket);
    }
    assert.deepEqual(names, ["CN=ann", undefined]);
    await stop();
  });

  it("goes on with a session on which many answers were given up before they were sent", async () => {
    const piece = Buffer.alloc(64 * 1024 * 1024);
    const { stop, h2 } = await startFront((exchange) => {
      if (exchange.target === "/") ok(exchange);
      else exchange.respond({ status: 200, headers: [] }, true)?.stream.write(piece);
    });
    const session = h2();
    try {
      // More than Node lets a session count as its memory, were it told of a limit.
      for (let times = 0; times < 24; times += 1) {
        const stream = session.request({ ":path": "/large" });
        await once(stream, "response");
        stream.close(constants.NGHTTP2_CANCEL);
        await once(stream, "close");
      }
      assert.equal((await buffer(session.request({ ":path": "/" }))).toString(), "ok");
    } finally {
      session.destroy();
      await stop();
    }
  });

  const smuggled: Readonly<Record<string, string>> = {
    "two lengths": "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a length and chunks":
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a folded field": "GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n X-Remote-User: root\r\n\r\n",
    "a space before the colon": "GET / HTTP/1.1\r\nHost: a\r\nX-Remote-User : root\r\n\r\n",
    "a bare line feed in a field":
      "GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\nX-Remote-User: root\r\n\r\n",
  };
  for (const [what, text] of Object.entries(smuggled)) {
    it(`refuses a request with ${what}`, async () => {
      let isHandled = false;
      const { stop, h1 } = await startFront((exchange) => {
        isHandled = true;
        ok(exchange);
      });
      const socket = await h1();
      socket.end(text);
      assert.match((await buffer(socket)).toString(), /^HTTP\/1.1 400 /);
      assert.equal(isHandled, false);
      await stop();
    });
  }
});
