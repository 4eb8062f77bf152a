import { encodeOwn, isOwn, type OwnPacket } from "./own-packets.ts";
import type { Data, HalfClose, OutgoingPacket } from "./packet.ts";
import { int64, tag, text, varint, varintLength, writeVarint } from "./wire-writer.ts";

const typeTag = 0x08;

/** Writes one message in protobuf's canonical form, as Go does. Data is copied once. */
export function encodePacket(packet: OutgoingPacket): Buffer {
  if (packet.type === "data") return packet.encoded ?? encodeData(packet);
  if (isOwn(packet)) return encodeOwn(packet);
  if (packet.type === "halfClose") {
    throw new RangeError("Cannot send the end of one direction over a shared stream");
  }
  return encodeControl(packet);
}

function encodeControl(packet: Exclude<OutgoingPacket, Data | OwnPacket | HalfClose>): Buffer {
  switch (packet.type) {
    case "dialRequest":
      return message(0, 2, [
        text(1, packet.protocol),
        text(2, packet.address),
        int64(3, packet.dialId),
      ]);
    case "dialResponse":
      return message(1, 3, [
        text(1, packet.error),
        int64(2, packet.connectionId),
        int64(3, packet.dialId),
      ]);
    case "closeRequest":
      return message(2, 5, [int64(1, packet.connectionId)]);
    case "closeResponse":
      return message(3, 6, [text(1, packet.error), int64(2, packet.connectionId)]);
    case "closeDial":
      return message(5, 7, [int64(1, packet.dialId)]);
    case "drain":
      return message(6, 8, []);
  }
}

/** The hot path: header and bytes into one buffer. */
function encodeData({ connectionId, bytes }: Data): Buffer {
  const id = int64(1, connectionId);
  const dataLength = bytes.length === 0 ? 0 : 1 + varintLength(bytes.length) + bytes.length;
  const payloadLength = id.length + dataLength;
  const buffer = Buffer.allocUnsafe(3 + varintLength(payloadLength) + payloadLength);
  buffer[0] = typeTag;
  buffer[1] = 4;
  buffer[2] = tag(4, 2);
  let at = writeVarint(buffer, 3, payloadLength);
  at += id.copy(buffer, at);
  if (dataLength > 0) {
    buffer[at] = tag(3, 2);
    at = writeVarint(buffer, at + 1, bytes.length);
    bytes.copy(buffer, at);
  }
  return buffer;
}

function message(type: number, payloadField: number, fields: readonly Buffer[]): Buffer {
  const payload = Buffer.concat(fields);
  // Zero is proto3's default and is not written.
  const head = type === 0 ? [] : [typeTag, type];
  return Buffer.concat([
    Buffer.from([...head, tag(payloadField, 2)]),
    varint(payload.length),
    payload,
  ]);
}
