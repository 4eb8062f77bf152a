import * as fc from "fast-check";

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const noSettings = Buffer.from("000000040000000000", "hex");

/** Packets that are known, with ids that are nobody's. */
const knownPackets = [
  "120c0a0374637012056e6f6e65311801",
  "08011a0410011805",
  "08022a020801",
  "080332021001",
  "0804220608011a026869",
  "08053a020805",
  "08064200",
];

/** A packet, in a form and an order that nobody asked for, or bytes that are none. */
export const anyPacket: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 80 }),
  fc.constantFrom(...knownPackets).map((hex) => Buffer.from(hex, "hex")),
);

/** A gRPC message that says how long it is, truthfully or not. */
function grpcMessage(payload: Uint8Array, length = payload.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, payload]);
}

/** gRPC messages with any packet, some of them cut off in the middle or with a length that is a lie. */
export const anyMessage: fc.Arbitrary<Buffer> = fc.oneof(
  anyPacket.map((bytes) => grpcMessage(bytes)),
  fc
    .tuple(fc.uint8Array({ maxLength: 40 }), fc.nat({ max: 2 ** 32 - 1 }))
    .map(([bytes, length]) => grpcMessage(bytes, length)),
);

/** An HTTP/2 frame of any type, flags and stream, which announces more than there is. */
const truncatedFrame = fc
  .tuple(
    fc.nat({ max: 9 }),
    fc.nat({ max: 255 }),
    fc.nat({ max: 9 }),
    fc.uint8Array({ maxLength: 60 }),
    fc.integer({ min: 1, max: 16_000 }),
  )
  .map(([type, flags, stream, bytes, missing]) => {
    const head = Buffer.alloc(9);
    head.writeUIntBE(bytes.length + missing, 0, 3);
    head.writeUInt8(type, 3);
    head.writeUInt8(flags, 4);
    head.writeUInt32BE(stream, 5);
    return Buffer.concat([head, bytes]);
  });

/** What a client may begin a connection with, and not only if it means well. */
export const clientNoise: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  // Past the preface, frames that are none.
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.concat([preface, bytes])),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.concat([preface, noSettings, bytes])),
  truncatedFrame.map((frame) => Buffer.concat([preface, noSettings, frame])),
);

/** The same of a server. */
export const serverNoise: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.concat([noSettings, bytes])),
  truncatedFrame.map((frame) => Buffer.concat([noSettings, frame])),
);
