import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createH2Server, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, connect as connectTcp } from "node:net";
import { Duplex } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { makeAuthority, startUpstream, type TestAuthority } from "#testing";
import { startProxy, toEverything } from "../under-test/proxy-under-test.ts";
import { eventually, transportTo } from "../under-test/transport-under-test.ts";
import type { UpstreamRequest } from "./call.ts";
import { createTransport } from "./transport.ts";
import { createTransportPool } from "./transport-pool.ts";

let authority: TestAuthority;
before(async () => {
  authority = await makeAuthority();
});

const get: UpstreamRequest = {
  method: "GET",
  path: "/",
  headers: [],
  hasBody: false,
  onInformation: () => undefined,
};
const never = new AbortController().signal;
const ok = (stream: ServerHttp2Stream) => {
  stream.respond({ ":status": 200 });
  stream.end("ok");
};

/** A connection as a tunnel gives it: bytes in JavaScript, no socket. */
function tunnelled(socket: Duplex, isMute: () => boolean = () => false): Duplex {
  const tunnel = new Duplex({
    read: () => socket.resume(),
    write: (chunk: Buffer, _encoding, done) => void socket.write(chunk, () => done()),
    final: (done) => void socket.end(() => done()),
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  socket.on("error", () => undefined);
  socket.on("data", (chunk) => {
    if (!isMute() && !tunnel.push(chunk)) socket.pause();
  });
  socket.on("end", () => tunnel.push(null));
  socket.on("close", () => tunnel.destroy());
  return tunnel;
}

describe("Transport", () => {
  it("carries many requests on one session, also through a stream that is no socket", async () => {
    await using upstream = await startUpstream(authority, { h2: ok });
    let dials = 0;
    using transport = transportTo(upstream, {}, async () => {
      dials += 1;
      return tunnelled(await upstream.dial());
    });
    await using proxy = await startProxy(authority, toEverything(transport));
    const answers = await Promise.all(Array.from({ length: 50 }, () => proxy.get("/")));
    assert.ok(answers.every(({ status, body }) => status === 200 && body === "ok"));
    assert.deepEqual([dials, upstream.accepted.h2], [1, 1]);
  });

  it("goes on with a session on which many uploads were refused before they were sent", async () => {
    await using upstream = await startUpstream(authority, {
      h2: (stream) => {
        // Who answers without a look at the body ends the stream with it.
        stream.respond({ ":status": 403 });
        stream.end("refused");
      },
    });
    using transport = transportTo(upstream);
    const piece = Buffer.alloc(64 * 1024 * 1024);
    const upload = { ...get, method: "POST", hasBody: true };
    // More than Node lets a session count as its memory, were it told of a limit.
    for (let times = 0; times < 24; times += 1) {
      const call = await transport.call(upload, never);
      const ended = once(call.body, "close");
      call.body.write(piece);
      const { body } = await call.response;
      assert.equal(await text(body ?? assert.fail()), "refused");
      await ended;
    }
    assert.equal((await (await transport.call(get, never)).response).status, 403);
    assert.equal(upstream.accepted.h2, 1);
  });

  it("speaks HTTP/2 without TLS where that was agreed, and HTTP/1.1 for an upgrade there", async () => {
    const upstream = createH2Server().listen(0, "127.0.0.1");
    await once(upstream, "listening");
    const { port } = upstream.address() as AddressInfo;
    const schemes: unknown[] = [];
    upstream.on("stream", (stream, headers) => {
      schemes.push(headers[":scheme"]);
      ok(stream as ServerHttp2Stream);
    });
    const transport = createTransport({
      authority: "plain.test",
      plainProtocol: "h2",
      dial: async () => {
        const socket = connectTcp({ port, host: "127.0.0.1" });
        await once(socket, "connect");
        return socket;
      },
    });
    {
      await using proxy = await startProxy(authority, toEverything(transport));
      assert.deepEqual(await proxy.get("/"), { status: 200, body: "ok" });
    }
    const upgrade = await transport.connect(never);
    assert.equal(upgrade.protocol, "http/1.1");
    upgrade.socket.destroy();
    assert.deepEqual(schemes, ["http"]);
    transport.destroy();
    upstream.close();
    await once(upstream, "close");
  });

  it("opens another session only when the upstream allows no more streams on the first", async () => {
    const held: ServerHttp2Stream[] = [];
    await using upstream = await startUpstream(authority, {
      h2: (stream) => void held.push(stream),
      h2Options: { settings: { maxConcurrentStreams: 3 } },
    });
    using transport = transportTo(upstream, { maxSessions: 2, queueTimeoutMs: 50 });
    await using proxy = await startProxy(authority, toEverything(transport));
    const first = proxy.get("/");
    await eventually("first", () => held.length === 1);
    const more = Array.from({ length: 5 }, () => proxy.get("/"));
    await eventually("six", () => held.length === 6);
    assert.equal(upstream.accepted.h2, 2);
    assert.equal((await proxy.get("/")).status, 503);
    assert.equal(proxy.failures[0]?.code, "overloaded");
    const last = proxy.get("/");
    await delay(10);
    const [one] = held;
    if (one !== undefined) ok(one);
    await eventually("room", () => held.length === 7);
    for (const stream of held.slice(1)) ok(stream);
    assert.ok((await Promise.all([first, ...more, last])).every(({ status }) => status === 200));
  });

  it("goes to a new session when what carries the old one is about to end", async () => {
    const held: ServerHttp2Stream[] = [];
    await using upstream = await startUpstream(authority, {
      h2: (stream, headers) => {
        if (headers[":path"] === "/long") held.push(stream);
        else ok(stream);
      },
    });
    const dialled: Duplex[] = [];
    using transport = transportTo(upstream, {}, async () => {
      const connection = tunnelled(await upstream.dial());
      dialled.push(connection);
      return connection;
    });
    await using proxy = await startProxy(authority, toEverything(transport));
    const long = proxy.get("/long");
    await eventually("long", () => held.length === 1);
    dialled[0]?.emit("retire");
    assert.equal((await proxy.get("/")).body, "ok");
    assert.equal(dialled.length, 2);
    for (const stream of held) ok(stream);
    assert.equal((await long).body, "ok");
    await eventually("the end of the old one", () => dialled[0]?.destroyed === true);
    assert.equal(dialled[1]?.destroyed, false);
  });

  it("goes to a new session after GOAWAY, and lets the old one finish", async () => {
    const streams: ServerHttp2Stream[] = [];
    await using upstream = await startUpstream(authority, {
      h2: (stream, headers) => {
        if (headers[":path"] === "/long") {
          streams.push(stream);
          stream.respond({ ":status": 200 });
        } else ok(stream);
      },
    });
    using transport = transportTo(upstream);
    await using proxy = await startProxy(authority, toEverything(transport));
    const long = proxy.get("/long");
    await eventually("long", () => streams.length === 1);
    const [session] = upstream.sessions;
    session?.close();
    await delay(20);
    assert.equal((await proxy.get("/")).body, "ok");
    assert.equal(upstream.accepted.h2, 2);
    streams[0]?.end("to the end");
    assert.deepEqual(await long, { status: 200, body: "to the end" });
  });

  it("repeats a GET once when its stream is refused or its connection dies", async () => {
    let seen = 0;
    await using upstream = await startUpstream(authority, {
      h2: (stream, headers) => {
        seen += 1;
        if (seen === 1 && headers[":path"] === "/refused") stream.close(7);
        else if (seen === 1) stream.session?.destroy();
        else ok(stream);
      },
    });
    using transport = transportTo(upstream);
    await using proxy = await startProxy(authority, toEverything(transport));
    for (const path of ["/refused", "/lost"]) {
      seen = 0;
      assert.deepEqual(await proxy.get(path), { status: 200, body: "ok" });
    }
    seen = 0;
    const post = proxy.h2.request({ ":path": "/lost", ":method": "POST" });
    post.end("body");
    const [headers] = (await once(post, "response")) as [Record<string, unknown>];
    await buffer(post);
    assert.deepEqual([headers[":status"], headers["x-error"], seen], [502, "upstream_lost", 1]);
  });

  it("holds requests for a moment after the loss of a session, and then fails them at once", async () => {
    await using upstream = await startUpstream(authority, { h2: ok });
    let isUp = true;
    using transport = transportTo(upstream, { holdMs: 300 }, () =>
      isUp ? upstream.dial() : Promise.reject(new Error("no agent")),
    );
    await using proxy = await startProxy(authority, toEverything(transport));
    await proxy.get("/");
    isUp = false;
    for (const socket of upstream.sockets) socket.destroy();
    await eventually("loss", () => upstream.sockets.size === 0);
    await delay(10);
    const held = proxy.get("/");
    await delay(50);
    isUp = true;
    assert.equal((await held).status, 200);
    isUp = false;
    for (const socket of upstream.sockets) socket.destroy();
    await delay(10);
    const late = await proxy.get("/");
    const startedAt = performance.now();
    assert.deepEqual([late.status, (await proxy.get("/")).status], [502, 502]);
    assert.ok(performance.now() - startedAt < 150);
    const failure = proxy.failures[0];
    assert.ok(failure?.cause instanceof Error);
    assert.deepEqual([failure.code, failure.cause.message], ["dial_failed", "no agent"]);
  });

  it("dials again in the background after a loss", async () => {
    await using upstream = await startUpstream(authority, { h2: ok });
    using transport = transportTo(upstream);
    await using proxy = await startProxy(authority, toEverything(transport));
    await proxy.get("/");
    for (const socket of upstream.sockets) socket.destroy();
    await eventually("second session", () => upstream.accepted.h2 === 2);
  });

  it("finds a connection dead that answers no ping", async () => {
    await using upstream = await startUpstream(authority, { h2: ok });
    let isMute = false;
    let dials = 0;
    using transport = transportTo(upstream, { pingIntervalMs: 20, pingTimeoutMs: 30 }, async () => {
      dials += 1;
      const isFirst = dials === 1;
      return tunnelled(await upstream.dial(), () => isFirst && isMute);
    });
    await using proxy = await startProxy(authority, toEverything(transport));
    await proxy.get("/");
    isMute = true;
    assert.equal((await proxy.get("/")).status, 200);
    assert.equal(upstream.accepted.h2, 2);
  });

  it("takes no connection for dead because this process was held up itself", async () => {
    await using upstream = await startUpstream(authority, { h2: ok });
    using transport = transportTo(upstream, { pingIntervalMs: 20, pingTimeoutMs: 300 });
    await using proxy = await startProxy(authority, toEverything(transport));
    await proxy.get("/");
    let heldUp = 0;
    for (const session of upstream.sessions) {
      // The answer to this ping is sent, and not read yet.
      session.once("ping", () => {
        const until = performance.now() + 350;
        while (performance.now() < until) heldUp += 1;
      });
    }
    await eventually("a ping", () => heldUp > 0);
    await delay(50);
    assert.equal((await proxy.get("/")).status, 200);
    assert.equal(upstream.accepted.h2, 1);
  });

  it("uses no kept connection of HTTP/1.1 again when what carries it is about to end", async () => {
    await using upstream = await startUpstream(authority, {
      h1: (_request, response) => void response.end("ok"),
    });
    const dialled: Duplex[] = [];
    using transport = transportTo(upstream, {}, async () => {
      const connection = tunnelled(await upstream.dial());
      dialled.push(connection);
      return connection;
    });
    await using proxy = await startProxy(authority, toEverything(transport));
    await proxy.get("/");
    await proxy.get("/");
    assert.equal(dialled.length, 1);
    dialled[0]?.emit("retire");
    await eventually("the end of the idle one", () => dialled[0]?.destroyed === true);
    const answered = proxy.get("/");
    await eventually("the next one", () => dialled.length === 2);
    dialled[1]?.emit("retire");
    assert.equal((await answered).body, "ok");
    await eventually("the end of the used one", () => dialled[1]?.destroyed === true);
    assert.equal((await proxy.get("/")).body, "ok");
    assert.equal(dialled.length, 3);
  });

  it("falls back to kept-alive HTTP/1.1 for an upstream that knows no better", async () => {
    await using upstream = await startUpstream(authority, {
      h1: (request, response) => {
        void text(request).then((body) => response.end(`${request.url ?? ""} ${body}`));
      },
    });
    using transport = transportTo(upstream);
    await using proxy = await startProxy(authority, toEverything(transport));
    for (const path of ["/a", "/b", "/c"]) {
      assert.deepEqual(await proxy.get(path), { status: 200, body: `${path} ` });
    }
    const post = proxy.h2.request({ ":path": "/d", ":method": "POST" });
    post.end("chunked");
    assert.equal(await text(post), "/d chunked");
    assert.equal(upstream.accepted.h1, 1);
  });

  it("trusts only the CA and the name that it was given", async () => {
    await using upstream = await startUpstream(authority, { h2: ok });
    const stranger = await makeAuthority("stranger");
    const cases = [
      { tls: { ca: stranger.caPem, serverName: "upstream.test" }, code: "tls_unverified" },
      { tls: { ca: authority.caPem, serverName: "other.test" }, code: "tls_unverified" },
      { tls: { ca: authority.caPem, serverName: "127.0.0.2" }, code: "tls_unverified" },
    ];
    for (const { tls, code } of cases) {
      const transport = createTransport({ authority: "a", dial: () => upstream.dial(), tls });
      await assert.rejects(transport.call(get, never), { code });
      transport.destroy();
    }
    const insecure = createTransport({
      authority: "a",
      dial: () => upstream.dial(),
      tls: { serverName: "other.test", insecure: true },
    });
    assert.equal((await (await insecure.call(get, never)).response).status, 200);
    insecure.destroy();
  });

  it("tells a dial that takes too long from a handshake that fails", async () => {
    await using upstream = await startUpstream(authority, { h2: ok });
    using slow = transportTo(upstream, { dialTimeoutMs: 20 }, () => new Promise(() => undefined));
    await assert.rejects(slow.call(get, never), { code: "dial_timeout" });
    using mute = transportTo(upstream, { handshakeTimeoutMs: 20 }, () =>
      Promise.resolve(new Duplex({ read: () => undefined, write: () => undefined })),
    );
    await assert.rejects(mute.call(get, never), { code: "tls_failed" });
  });

  it("shakes hands before a connection is open, where that can be had", async () => {
    await using upstream = await startUpstream(authority, { h2: ok });
    const isOpen = Promise.withResolvers<void>();
    let written = 0;
    const early = async () => {
      const raw = await upstream.dial();
      // Nothing comes before the connection is open, but what is written is on its way.
      return new Duplex({
        read(this: Duplex) {
          void isOpen.promise.then(() => raw.on("data", (chunk) => this.push(chunk)));
        },
        write(chunk, _encoding, done) {
          written += 1;
          raw.write(chunk, done);
          isOpen.resolve();
        },
        destroy(_error, done) {
          raw.destroy();
          done(null);
        },
      });
    };
    const late = () => assert.fail("nobody has to ask twice");
    using transport = transportTo(upstream, {}, late, early);
    assert.equal((await (await transport.call(get, never)).response).status, 200);
    assert.ok(written > 0);
  });

  it("dials again, and waits, when a connection that was not open yet fails", async () => {
    await using upstream = await startUpstream(authority, { h2: ok });
    const lost = new Error("no agent");
    const failing = () => {
      const raw = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
      setImmediate(() => raw.destroy(lost));
      return Promise.resolve(raw);
    };
    using transport = transportTo(upstream, {}, () => upstream.dial(), failing);
    assert.equal((await (await transport.call(get, never)).response).status, 200);
    using hopeless = transportTo(upstream, {}, () => Promise.reject(lost), failing);
    await assert.rejects(hopeless.call(get, never), { code: "dial_failed", cause: lost });
  });

  it("says of a connection that never opens that the dial took too long", async () => {
    await using upstream = await startUpstream(authority, { h2: ok });
    const again = () => assert.fail("nobody has to ask twice");
    const mute = () =>
      Promise.resolve(new Duplex({ read: () => undefined, write: () => undefined }));
    using transport = transportTo(upstream, { handshakeTimeoutMs: 20 }, again, mute);
    await assert.rejects(transport.call(get, never), { code: "dial_timeout" });
  });

  it("closes a connection that arrives after the dial was given up", async () => {
    await using upstream = await startUpstream(authority, { h2: ok });
    const arrival = Promise.withResolvers<Duplex>();
    using slow = transportTo(upstream, { dialTimeoutMs: 10 }, () => arrival.promise);
    await assert.rejects(slow.call(get, never), { code: "dial_timeout" });
    const late = await upstream.dial();
    arrival.resolve(late);
    await eventually("closed", () => late.destroyed);
  });
});

describe("TransportPool", () => {
  it("replaces a transport when its settings change; what the old one carries goes on", async () => {
    const watches: ServerHttp2Stream[] = [];
    await using upstream = await startUpstream(authority, {
      h2: (stream, headers) => {
        if (headers[":path"] !== "/watch") return ok(stream);
        watches.push(stream);
        stream.respond({ ":status": 200 });
      },
    });
    const pool = createTransportPool();
    let fingerprint = "ca-1";
    const plan = toEverything(transportTo(upstream));
    await using proxy = await startProxy(authority, (exchange) => ({
      ...plan(exchange),
      transport: () => pool.get("managed1", fingerprint, () => transportTo(upstream)),
    }));
    const watch = proxy.h2.request({ ":path": "/watch" });
    await eventually("watch", () => watches.length === 1);
    await proxy.get("/");
    assert.equal(upstream.accepted.h2, 1);
    fingerprint = "ca-2";
    await proxy.get("/");
    assert.equal(upstream.accepted.h2, 2);
    watches[0]?.end("still here");
    assert.equal(await text(watch), "still here");
    await eventually("the old session ended", () => upstream.sessions.size === 1);
    pool.destroy();
  });
});
