import {
  type Data,
  type EarlyData,
  earlyData,
  type HalfClose,
  type OutgoingPacket,
} from "./packet.ts";

const typeTag = 0x08;

/** Writes one message in protobuf's canonical form, as Go does. Data is copied once. */
export function encodePacket(packet: OutgoingPacket): Buffer {
  if (packet.type === "data") return packet.encoded ?? encodeData(packet);
  if (packet.type === "earlyData") return encodeEarlyData(packet);
  if (packet.type === "halfClose") {
    throw new RangeError("Cannot send the end of one direction over a shared stream");
  }
  return encodeControl(packet);
}

function encodeControl(packet: Exclude<OutgoingPacket, Data | EarlyData | HalfClose>): Buffer {
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

/** The numbers are far from those that upstream may give out next. */
function encodeEarlyData({ dialId, bytes }: EarlyData): Buffer {
  const payload = Buffer.concat([int64(1, dialId), bytesField(3, bytes)]);
  return Buffer.concat([
    Buffer.from([typeTag]),
    varint(earlyData.type),
    varint((earlyData.field << 3) | 2),
    varint(payload.length),
    payload,
  ]);
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

function text(field: number, value: string): Buffer {
  if (value === "") return empty;
  return bytesField(field, Buffer.from(value, "utf8"));
}

function bytesField(field: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag(field, 2)]), varint(bytes.length), bytes]);
}

function int64(field: number, value: bigint): Buffer {
  if (value === 0n) return empty;
  if (value > 0n && value < 128n) return Buffer.from([tag(field, 0), Number(value)]);
  const bytes = [tag(field, 0)];
  let rest = BigInt.asUintN(64, value);
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

function tag(field: number, wireType: number): number {
  return (field << 3) | wireType;
}

function varint(value: number): Buffer {
  const buffer = Buffer.allocUnsafe(varintLength(value));
  writeVarint(buffer, 0, value);
  return buffer;
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length += 1;
  return length;
}

/** Returns the offset behind what was written. */
function writeVarint(buffer: Buffer, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) {
    buffer[at] = (rest % 128) | 0x80;
    at += 1;
  }
  buffer[at] = rest;
  return at + 1;
}

const empty = Buffer.alloc(0);
