import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { type ClientRequest, type IncomingMessage } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import { request as h1Request } from "node:https";
import { buffer, text } from "node:stream/consumers";
import { before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { makeAuthority, startUpstream, type TestAuthority } from "#testing";
import { startProxy, toEverything } from "./under-test/proxy-under-test.ts";
import { eventually, transportTo } from "./under-test/transport-under-test.ts";

let authority: TestAuthority;
before(async () => {
  authority = await makeAuthority();
});

async function answerOf(outgoing: ClientRequest): Promise<IncomingMessage> {
  const [response] = (await once(outgoing, "response")) as [IncomingMessage];
  return response;
}

const sha = (data: Buffer) => createHash("sha256").update(data).digest("hex");

describe("forward()", () => {
  it("carries method, path, query and fields as they are, and the caller's identity as set", async () => {
    const seen: unknown[] = [];
    await using upstream = await startUpstream(authority, {
      h2: (stream, headers) => {
        seen.push(
          headers[":method"],
          headers[":path"],
          headers[":authority"],
          headers.authorization,
        );
        stream.respond([":status", "201", "x-two", "1", "x-two", "2", "date", "then"]);
        stream.end("made");
      },
    });
    using transport = transportTo(upstream);
    await using proxy = await startProxy(authority, toEverything(transport));
    const path = "/api/v1/a%2Fb//c/?x=1;y=%20&dryRun=All&x=2";
    const outgoing = h1Request(
      proxy.h1({ method: "DELETE", path, headers: { Authorization: "Bearer hub" } }),
    ).end();
    const response = await answerOf(outgoing);
    assert.equal(await text(response), "made");
    assert.deepEqual(seen, ["DELETE", path, "upstream.test:6443", "Bearer managed"]);
    assert.deepEqual(
      [response.statusCode, response.rawHeaders.slice(0, 6)],
      [201, ["x-two", "1", "x-two", "2", "date", "then"]],
    );
  });

  it("hands over the head, and each chunk at once, of an answer without end", async () => {
    let events: ServerHttp2Stream | undefined;
    await using upstream = await startUpstream(authority, {
      h2: (stream) => {
        events = stream;
        stream.respond({ ":status": 200, "content-type": "application/json" });
      },
    });
    using transport = transportTo(upstream);
    await using proxy = await startProxy(authority, toEverything(transport, 100));
    const h1 = await answerOf(h1Request(proxy.h1({ path: "/watch" })).end());
    events?.write("one");
    assert.equal(String((await once(h1, "data"))[0]), "one");
    const h2 = proxy.h2.request({ ":path": "/watch" });
    await once(h2, "response");
    events?.write("two");
    assert.equal(String((await once(h2, "data"))[0]), "two");
    // Longer than the limit for the head of an answer, which no longer counts.
    await delay(150);
    events?.end("three");
    assert.equal(String((await once(h2, "data"))[0]), "three");
    h1.destroy();
  });

  for (const client of ["h1", "h2"] as const) {
    it(`carries 8 MB both ways for a client of ${client}, unchanged`, async () => {
      await using upstream = await startUpstream(authority, {
        h2: (stream) => {
          stream.respond({ ":status": 200 });
          stream.pipe(stream);
        },
      });
      using transport = transportTo(upstream);
      await using proxy = await startProxy(authority, toEverything(transport));
      const sent = randomBytes(8 * 1024 * 1024);
      let got: Buffer;
      if (client === "h1") {
        const outgoing = h1Request(proxy.h1({ method: "POST", path: "/echo" }));
        outgoing.end(sent);
        got = await buffer(await answerOf(outgoing));
      } else {
        const stream = proxy.h2.request({ ":path": "/echo", ":method": "POST" });
        stream.end(sent);
        got = await buffer(stream);
      }
      assert.equal(sha(got), sha(sent));
      await eventually("outcome", () => proxy.outcomes.length === 1);
      assert.deepEqual(proxy.outcomes, [{ status: 200, isComplete: true }]);
    });
  }

  it("stops the upstream of a reader that stops, and nobody else", async () => {
    let written = 0;
    await using upstream = await startUpstream(authority, {
      h2: (stream, headers) => {
        stream.respond({ ":status": 200 });
        if (headers[":path"] !== "/endless") {
          stream.end("quick");
          return;
        }
        const chunk = Buffer.alloc(64 * 1024);
        const pour = () => {
          while (stream.writable && stream.write(chunk)) written += chunk.length;
          written += chunk.length;
        };
        stream.on("drain", pour);
        pour();
      },
    });
    using transport = transportTo(upstream);
    await using proxy = await startProxy(authority, toEverything(transport));
    const stalled = await answerOf(h1Request(proxy.h1({ path: "/endless" })).end());
    stalled.pause();
    const limit = 16 * 1024 * 1024;
    await eventually("some megabytes on their way", () => written > 1024 * 1024);
    for (let count = 0; count < 20; count += 1) {
      assert.equal((await proxy.get("/quick")).body, "quick");
      assert.ok(written < limit, `${written} bytes went into memory`);
    }
    stalled.destroy();
  });

  it("relays trailers of both sides", async () => {
    const got = Promise.withResolvers<unknown>();
    await using upstream = await startUpstream(authority, {
      h2: (stream) => {
        stream.on("trailers", (trailers) => got.resolve(trailers["x-sum"]));
        stream.respond({ ":status": 200, trailer: "x-end" }, { waitForTrailers: true });
        stream.on("wantTrailers", () => stream.sendTrailers({ "x-end": "here" }));
        stream.resume();
        stream.end("body");
      },
    });
    using transport = transportTo(upstream);
    await using proxy = await startProxy(authority, toEverything(transport));
    const outgoing = h1Request(
      proxy.h1({ method: "POST", headers: { Trailer: "X-Sum", TE: "trailers" } }),
    );
    outgoing.write("data");
    outgoing.addTrailers({ "X-Sum": "42" });
    outgoing.end();
    const response = await answerOf(outgoing);
    await text(response);
    assert.equal(response.trailers["x-end"], "here");
    assert.equal(await got.promise, "42");
    const h2 = proxy.h2.request({ ":path": "/" });
    const [trailers] = (await once(h2.resume(), "trailers")) as [Record<string, string>];
    assert.equal(trailers["x-end"], "here");
  });

  it("sends 100 Continue when the upstream does, and other interim answers too", async () => {
    await using upstream = await startUpstream(authority, {
      h2: (stream, headers) => {
        assert.equal(headers.expect, "100-continue");
        stream.additionalHeaders({ ":status": 103, link: "</a>" });
        stream.additionalHeaders({ ":status": 100 });
        stream.once("data", () => {
          stream.respond({ ":status": 200 });
          stream.end("thanks");
        });
      },
    });
    using transport = transportTo(upstream);
    await using proxy = await startProxy(authority, toEverything(transport));
    const outgoing = h1Request(
      proxy.h1({ method: "PUT", headers: { Expect: "100-continue", "Content-Length": 4 } }),
    );
    const interim: number[] = [];
    outgoing.on("information", ({ statusCode }) => interim.push(statusCode));
    outgoing.flushHeaders();
    await once(outgoing, "continue");
    outgoing.end("body");
    assert.equal(await text(await answerOf(outgoing)), "thanks");
    assert.ok(interim.includes(103));
  });

  const bodyless: readonly (readonly [method: string, status: number])[] = [
    ["HEAD", 200],
    ["GET", 204],
    ["GET", 304],
  ];
  for (const [method, status] of bodyless) {
    it(`ends a ${status} to ${method} with its head`, async () => {
      await using upstream = await startUpstream(authority, {
        h2: (stream) => {
          const length = method === "HEAD" ? { "content-length": 1000 } : {};
          stream.respond({ ":status": status, "x-a": "1", ...length }, { endStream: true });
        },
      });
      using transport = transportTo(upstream);
      await using proxy = await startProxy(authority, toEverything(transport));
      const h1 = await answerOf(h1Request(proxy.h1({ method })).end());
      assert.equal(await text(h1), "");
      assert.deepEqual([h1.statusCode, h1.headers["x-a"]], [status, "1"]);
      if (method === "HEAD") assert.equal(h1.headers["content-length"], "1000");
      const h2 = proxy.h2.request({ ":method": method });
      const [headers] = (await once(h2, "response")) as [{ ":status": number }];
      assert.equal(headers[":status"], status);
      assert.equal((await buffer(h2)).length, 0);
    });
  }

  for (const client of ["h1", "h2"] as const) {
    it(`resets the upstream's stream at once when a client of ${client} leaves`, async () => {
      const left = Promise.withResolvers<void>();
      await using upstream = await startUpstream(authority, {
        h2: (stream) => {
          stream.respond({ ":status": 200 });
          stream.write("x");
          stream.on("close", () => left.resolve());
        },
      });
      using transport = transportTo(upstream);
      await using proxy = await startProxy(authority, toEverything(transport));
      if (client === "h1") {
        (await answerOf(h1Request(proxy.h1()).end())).destroy();
      } else {
        const stream = proxy.h2.request({ ":path": "/" });
        await once(stream, "data");
        stream.close(8);
      }
      await left.promise;
      assert.equal(upstream.sessions.size, 1);
      await eventually("outcome", () => proxy.outcomes.length === 1);
      assert.deepEqual(proxy.outcomes, [{ status: 200, isComplete: false }]);
    });

    it(`never ends an upload that a client of ${client} broke off`, async () => {
      const ended = Promise.withResolvers<string>();
      await using upstream = await startUpstream(authority, {
        h2: (stream) => {
          stream.on("aborted", () => ended.resolve("aborted"));
          stream.on("end", () => ended.resolve(stream.aborted ? "aborted" : "whole"));
          stream.resume();
        },
      });
      using transport = transportTo(upstream);
      await using proxy = await startProxy(authority, toEverything(transport));
      if (client === "h1") {
        const outgoing = h1Request(proxy.h1({ method: "PUT" }));
        outgoing.on("error", () => undefined);
        outgoing.write("half");
        await eventually("upstream", () => upstream.accepted.h2 === 1);
        outgoing.destroy();
      } else {
        const stream = proxy.h2.request({ ":path": "/", ":method": "PUT" });
        stream.on("error", () => undefined);
        stream.write("half");
        await eventually("upstream", () => upstream.accepted.h2 === 1);
        stream.destroy(new Error("broken off"));
      }
      assert.equal(await ended.promise, "aborted");
    });

    for (const [how, cut] of Object.entries({
      "resets the stream": (stream: ServerHttp2Stream) => stream.destroy(new Error("reset")),
      "drops the connection": (stream: ServerHttp2Stream) => stream.session?.destroy(),
    })) {
      it(`cuts the answer to a client of ${client} when the upstream ${how}`, async () => {
        await using upstream = await startUpstream(authority, {
          h2: (stream) => {
            stream.respond({ ":status": 200 });
            stream.write("half", () => setTimeout(() => cut(stream), 20));
          },
        });
        using transport = transportTo(upstream);
        await using proxy = await startProxy(authority, toEverything(transport));
        if (client === "h1") {
          await assert.rejects(text(await answerOf(h1Request(proxy.h1()).end())));
        } else {
          await assert.rejects(buffer(proxy.h2.request({ ":path": "/" })));
        }
        assert.deepEqual(proxy.outcomes, [{ status: 200, isComplete: false }]);
      });

      it(`ends a watch of a client of ${client} properly when the upstream ${how}`, async () => {
        await using upstream = await startUpstream(authority, {
          h2: (stream) => {
            stream.respond({ ":status": 200 });
            stream.write("half", () => setTimeout(() => cut(stream), 20));
          },
        });
        using transport = transportTo(upstream);
        const mayEnd = new AbortController().signal;
        const planFor = toEverything(transport);
        await using proxy = await startProxy(authority, (exchange) => ({
          ...planFor(exchange),
          mayEnd,
        }));
        const heard =
          client === "h1"
            ? text(await answerOf(h1Request(proxy.h1()).end()))
            : text(proxy.h2.request({ ":path": "/" }));
        assert.equal(await heard, "half");
        assert.deepEqual(proxy.outcomes, [{ status: 200, isComplete: false }]);
      });
    }

    it(`ends the watches of clients of ${client} when it is asked to, and tells the upstream`, async () => {
      const told = Promise.withResolvers<void>();
      await using upstream = await startUpstream(authority, {
        h2: (stream) => {
          stream.on("error", () => undefined);
          stream.once("close", () => told.resolve());
          stream.respond({ ":status": 200 });
          stream.write("an event");
        },
      });
      using transport = transportTo(upstream);
      const end = new AbortController();
      const planFor = toEverything(transport);
      await using proxy = await startProxy(authority, (exchange) => ({
        ...planFor(exchange),
        mayEnd: end.signal,
      }));
      const stream =
        client === "h1"
          ? await answerOf(h1Request(proxy.h1()).end())
          : proxy.h2.request({ ":path": "/" });
      assert.equal(String((await once(stream, "data"))[0]), "an event");
      end.abort();
      assert.equal(await text(stream), "");
      await told.promise;
      // One that comes too late ends as soon as it begins.
      if (client === "h2") {
        assert.match(await text(proxy.h2.request({ ":path": "/" })), /^(?:an event)?$/);
      }
    });
  }

  it("forgets a request whose client leaves before there is a connection, and goes on", async () => {
    const dialled = Promise.withResolvers<void>();
    await using upstream = await startUpstream(authority, {
      h2: (stream) => {
        stream.respond({ ":status": 200 });
        stream.end("ok");
      },
    });
    using transport = transportTo(upstream, {}, async () => {
      await dialled.promise;
      return upstream.dial();
    });
    await using proxy = await startProxy(authority, toEverything(transport));
    const stream = proxy.h2.request({ ":path": "/" });
    stream.on("error", () => undefined);
    await once(stream, "ready");
    await delay(20);
    stream.close(8);
    await eventually("failure", () => proxy.failures.length === 1);
    assert.equal(proxy.failures[0]?.code, "client_gone");
    dialled.resolve();
    assert.equal((await proxy.get("/")).body, "ok");
  });

  it("passes the upstream's own errors through untouched", async () => {
    await using upstream = await startUpstream(authority, {
      h2: (stream) => {
        stream.respond({ ":status": 403, "content-type": "application/json" });
        stream.end('{"kind":"Status"}');
      },
    });
    using transport = transportTo(upstream);
    await using proxy = await startProxy(authority, toEverything(transport));
    assert.deepEqual(await proxy.get("/"), { status: 403, body: '{"kind":"Status"}' });
  });

  it("gives up on an upstream that does not answer in time, and tells it", async () => {
    const left = Promise.withResolvers<void>();
    await using upstream = await startUpstream(authority, {
      h2: (stream) => void stream.on("close", () => left.resolve()),
    });
    using transport = transportTo(upstream);
    await using proxy = await startProxy(authority, toEverything(transport, 50));
    assert.equal((await proxy.get("/")).status, 504);
    assert.equal(proxy.failures[0]?.code, "response_timeout");
    await left.promise;
  });
});
