import {
  type BackendReport,
  type EarlyData,
  type OutgoingPacket,
  ownNumbers,
  type Packet,
  type Report,
  type Servers,
} from "./packet.ts";
import { WireReader } from "./wire-reader.ts";
import { bytesField, int64, text, varint } from "./wire-writer.ts";

/** What only our own ends say to each other. */
export type OwnPacket = EarlyData | Servers | Report;

const typeTag = 0x08;
const lengthDelimited = 2;

/** Whether Go programs know nothing of a packet. */
export function isOwn(packet: OutgoingPacket): packet is OwnPacket {
  return Object.hasOwn(ownNumbers, packet.type);
}

/** Whether a number is a type of packet, and a field, that only our own ends know. */
export function isOwnNumber(number: number): boolean {
  return number >= ownNumbers.earlyData && number <= ownNumbers.report;
}

/** Writes one message. Its type and its payload's field have the same number. */
export function encodeOwn(packet: OwnPacket): Buffer {
  const number = ownNumbers[packet.type];
  const payload = Buffer.concat(payloadOf(packet));
  return Buffer.concat([
    Buffer.from([typeTag]),
    varint(number),
    varint(number * 8 + lengthDelimited),
    varint(payload.length),
    payload,
  ]);
}

function payloadOf(packet: OwnPacket): readonly Buffer[] {
  switch (packet.type) {
    case "earlyData":
      return [int64(1, packet.dialId), bytesField(3, packet.bytes)];
    case "servers":
      return packet.ids.map((id) => text(1, id));
    case "report":
      return [
        flag(1, packet.isWhole),
        ...packet.backends.map((backend) => bytesField(2, encodeBackend(backend))),
      ];
  }
}

function encodeBackend({ id, isGone, isDraining, servesAny, hosts }: BackendReport): Buffer {
  return Buffer.concat([
    int64(1, id),
    flag(2, isGone),
    flag(3, isDraining),
    flag(4, servesAny),
    ...hosts.map((host) => text(5, host)),
  ]);
}

function flag(field: number, value: boolean): Buffer {
  return int64(field, value ? 1n : 0n);
}

/** Reads the payload of a packet with one of our numbers. Throws a TunnelError. */
export function readOwn(number: number, reader: WireReader): Packet {
  if (number === ownNumbers.earlyData) return readEarlyData(reader);
  return number === ownNumbers.servers ? readServers(reader) : readReport(reader);
}

function readEarlyData(reader: WireReader): EarlyData {
  let dialId = 0n;
  let bytes: Buffer = Buffer.alloc(0);
  while (!reader.isAtEnd) {
    const [field, wireType] = reader.tag();
    if (field === 1) dialId = reader.int64(wireType);
    else if (field === 3) bytes = reader.bytes(wireType);
    else reader.skip(wireType);
  }
  return { type: "earlyData", dialId, bytes };
}

function readServers(reader: WireReader): Servers {
  const ids: string[] = [];
  while (!reader.isAtEnd) {
    const [field, wireType] = reader.tag();
    if (field === 1) ids.push(reader.string(wireType));
    else reader.skip(wireType);
  }
  return { type: "servers", ids };
}

function readReport(reader: WireReader): Report {
  let isWhole = false;
  const backends: BackendReport[] = [];
  while (!reader.isAtEnd) {
    const [field, wireType] = reader.tag();
    if (field === 1) isWhole = reader.int64(wireType) !== 0n;
    else if (field === 2) backends.push(readBackend(new WireReader(reader.bytes(wireType))));
    else reader.skip(wireType);
  }
  return { type: "report", isWhole, backends };
}

function readBackend(reader: WireReader): BackendReport {
  const flags = new Set<number>();
  const hosts: string[] = [];
  let id = 0n;
  while (!reader.isAtEnd) {
    const [field, wireType] = reader.tag();
    if (field === 1) id = reader.int64(wireType);
    else if (field === 5) hosts.push(reader.string(wireType));
    else if (field > 4) reader.skip(wireType);
    else if (reader.int64(wireType) !== 0n) flags.add(field);
  }
  const [isGone, isDraining, servesAny] = [flags.has(2), flags.has(3), flags.has(4)];
  return { id, isGone, isDraining, servesAny, hosts };
}
