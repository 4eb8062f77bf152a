import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { before, describe, it } from "node:test";
import { makeAuthority, startUpstream, type TestAuthority } from "#testing";
import { startProxy, toEverything } from "./under-test/proxy-under-test.ts";
import { eventually, transportTo } from "./under-test/transport-under-test.ts";

let authority: TestAuthority;
before(async () => {
  authority = await makeAuthority();
});

const websocket = [
  "GET /exec?command=sh HTTP/1.1",
  "Host: hub",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Protocol: v5.channel.k8s.io",
  "Authorization: Bearer hub",
  "",
  "",
].join("\r\n");
const switching =
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";

/** Reads up to the empty line after the head; what follows stays in the socket. */
async function readHead(socket: Duplex): Promise<string> {
  let head = "";
  while (!head.includes("\r\n\r\n")) {
    if (socket.readableLength === 0) await once(socket, "readable");
    head += (socket.read(1) as Buffer | null)?.toString("latin1") ?? "";
  }
  return head;
}

describe("forward() of an upgrade", () => {
  it("relays 101 with its fields, then raw bytes both ways, from the first byte on", async () => {
    const seen: string[] = [];
    await using upstream = await startUpstream(authority, {
      h2: (stream) => stream.close(),
      upgrade: (socket, url, headers) => {
        seen.push(url, headers.join(" "));
        socket.write(`${switching}Sec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\nfirst`);
        socket.pipe(socket);
      },
    });
    using transport = transportTo(upstream);
    await using proxy = await startProxy(authority, toEverything(transport));
    const socket = await proxy.raw();
    socket.write(`${websocket}early`);
    const head = await readHead(socket);
    assert.match(head, /^HTTP\/1.1 101 /);
    assert.match(head, /sec-websocket-protocol: v5.channel.k8s.io/i);
    assert.match(head, /connection: Upgrade\r\nupgrade: websocket/i);
    const sent = randomBytes(4 * 1024 * 1024);
    socket.end(sent);
    const got = await buffer(socket);
    assert.equal(got.subarray(0, 10).toString(), "firstearly");
    assert.ok(got.subarray(10).equals(sent));
    assert.equal(seen[0], "/exec?command=sh");
    assert.match(seen[1] ?? "", /authorization Bearer managed/);
    assert.doesNotMatch(seen[1] ?? "", /Bearer hub/);
    await eventually("outcome", () => proxy.outcomes.length === 1);
    assert.deepEqual(upstream.accepted, { h2: 0, h1: 1 });
  });

  it("carries SPDY over POST", async () => {
    await using upstream = await startUpstream(authority, {
      upgrade: (socket) => {
        socket.write(switching.replace("websocket", "SPDY/3.1"));
        socket.end("\r\nbye");
        socket.resume();
      },
    });
    using transport = transportTo(upstream);
    await using proxy = await startProxy(authority, toEverything(transport));
    const socket = await proxy.raw();
    socket.write(
      "POST /portforward HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nContent-Length: 0\r\n\r\n",
    );
    assert.match(await readHead(socket), /upgrade: SPDY\/3.1/i);
    assert.equal(await text(socket), "bye");
  });

  it("relays an answer other than 101 as it is", async () => {
    await using upstream = await startUpstream(authority, {
      upgrade: (socket) => {
        socket.end("HTTP/1.1 403 Forbidden\r\nX-Why: rbac\r\nContent-Length: 2\r\n\r\nno");
      },
    });
    using transport = transportTo(upstream);
    await using proxy = await startProxy(authority, toEverything(transport));
    const socket = await proxy.raw();
    socket.write(websocket);
    const answer = await text(socket);
    assert.match(answer, /^HTTP\/1.1 403 /);
    assert.match(answer, /x-why: rbac/);
    assert.match(answer, /no$/);
  });

  it("answers in HTTP when no connection comes about", async () => {
    await using upstream = await startUpstream(authority, { upgrade: () => undefined });
    using transport = transportTo(upstream, {}, () => Promise.reject(new Error("no agent")));
    await using proxy = await startProxy(authority, toEverything(transport));
    const socket = await proxy.raw();
    socket.write(websocket);
    assert.match(await text(socket), /^HTTP\/1.1 502 [\s\S]*x-error: dial_failed/);
  });

  for (const side of ["client", "upstream"] as const) {
    it(`ends the other side when the ${side} breaks off`, async () => {
      const upgraded = Promise.withResolvers<Duplex>();
      await using upstream = await startUpstream(authority, {
        upgrade: (socket) => {
          socket.on("error", () => undefined);
          socket.write(`${switching}\r\n`);
          upgraded.resolve(socket);
        },
      });
      using transport = transportTo(upstream);
      await using proxy = await startProxy(authority, toEverything(transport));
      const client = await proxy.raw();
      client.on("error", () => undefined);
      client.write(websocket);
      await readHead(client);
      const far = (await upgraded.promise).resume();
      client.resume();
      (side === "client" ? client : far).destroy();
      await eventually(
        "both ended",
        () => client.destroyed && (far.readableEnded || far.destroyed),
      );
    });
  }

  it("stops the sender of a reader that stops", async () => {
    let written = 0;
    await using upstream = await startUpstream(authority, {
      upgrade: (socket) => {
        socket.on("error", () => undefined);
        socket.write(`${switching}\r\n`);
        const chunk = Buffer.alloc(64 * 1024);
        const pour = () => {
          while (socket.writable && socket.write(chunk)) written += chunk.length;
          written += chunk.length;
        };
        socket.on("drain", pour);
        pour();
      },
    });
    using transport = transportTo(upstream);
    await using proxy = await startProxy(authority, toEverything(transport));
    const client = await proxy.raw();
    client.on("error", () => undefined);
    client.write(websocket);
    await readHead(client);
    let before = -1;
    await eventually("standstill", () => {
      const isStill = written === before && written > 0;
      before = written;
      return isStill;
    });
    assert.ok(written < 24 * 1024 * 1024, `${written} bytes went into memory`);
    client.destroy();
  });
});
