import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { describe, it } from "node:test";
import { ApiError } from "./api-error.ts";
import type { KubeClient } from "./client.ts";
import { openPortForward } from "./port-forward.ts";

const target = { namespace: "a", pod: "b", port: 1 };

/** A message of the server: short, in one frame. */
function frame(channel: number, payload: string): Buffer {
  const body = Buffer.concat([Buffer.from([channel]), Buffer.from(payload, "latin1")]);
  return Buffer.concat([Buffer.from([0x82, body.length]), body]);
}

const greetings = [frame(0, "\x01\x00"), frame(1, "\x01\x00")];

function confirmation({ headers }: IncomingMessage): string {
  const key = `${headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const accept = createHash("sha1").update(key).digest("base64");
  return [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Protocol: v4.channel.k8s.io",
    `Sec-WebSocket-Accept: ${accept}`,
    "\r\n",
  ].join("\r\n");
}

/** An API server that answers the upgrade, and a client of it. */
async function startServer(upgrade: (socket: Duplex, request: IncomingMessage) => void) {
  const server = createServer();
  const open = new Set<Duplex>();
  server.on("upgrade", (request, socket) => {
    open.add(socket);
    socket.on("error", () => undefined);
    upgrade(socket, request);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const access = {
    server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requestOptions: () => Promise.resolve({}),
  };
  return {
    client: { access } as unknown as KubeClient,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

const soon = (): AbortSignal => AbortSignal.timeout(10_000);

describe("openPortForward()", () => {
  it("hears what comes in one packet with the confirmation of the upgrade", async () => {
    await using server = await startServer((socket, request) => {
      const head = Buffer.from(confirmation(request));
      socket.write(Buffer.concat([head, ...greetings, frame(0, "first")]));
    });
    const stream = await openPortForward(server.client, target, soon());
    const [heard] = (await once(stream, "data", { signal: soon() })) as [Buffer];
    assert.equal(heard.toString(), "first");
    stream.destroy();
  });

  it("takes the first message of each channel for its greeting, whenever it comes", async () => {
    await using server = await startServer((socket, request) => {
      socket.write(confirmation(request));
      setImmediate(() => socket.write(Buffer.concat([...greetings, frame(0, "first")])));
    });
    const stream = await openPortForward(server.client, target, soon());
    const [heard] = (await once(stream, "data", { signal: soon() })) as [Buffer];
    assert.equal(heard.toString(), "first");
    stream.destroy();
  });

  it("says what the kubelet says when the port cannot be reached", async () => {
    await using server = await startServer((socket, request) => {
      const refusal = frame(1, "nobody listens\n");
      socket.write(Buffer.concat([Buffer.from(confirmation(request)), ...greetings, refusal]));
    });
    await assert.rejects(
      async () => {
        const stream = await openPortForward(server.client, target, soon());
        await once(stream, "end", { signal: soon() });
      },
      (error) =>
        error instanceof ApiError &&
        error.message === "Cannot forward to port 1 of pod a/b: nobody listens",
    );
  });

  it("fails where the API server refuses", async () => {
    await using server = await startServer((socket) => {
      socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    });
    await assert.rejects(
      openPortForward(server.client, target, soon()),
      /^ApiError: Cannot forward to port 1 of pod a\/b: Unexpected server response: 403$/,
    );
  });
});
