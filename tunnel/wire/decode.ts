import { TunnelError } from "../tunnel-error.ts";
import { isOwnNumber, readOwn } from "./own-packets.ts";
import type { Packet } from "./packet.ts";
import { WireReader } from "./wire-reader.ts";

/** Field numbers of the payloads, by packet type number. */
const payloadFields = [2, 3, 5, 6, 4, 7, 8] as const;
const firstPayloadField = 2;
const lastPayloadField = 8;

/**
 * Reads one message. Data is a view of `message`, not a copy.
 *
 * Throws a TunnelError for bytes that are no packet and for a known type without its payload:
 * Go programs crash on those, so they must never be passed on.
 */
export function decodePacket(message: Buffer): Packet {
  let type = 0;
  let payload: Buffer | undefined;
  let payloadField = 0;
  const reader = new WireReader(message);
  while (!reader.isAtEnd) {
    const [field, wireType] = reader.tag();
    if (field === 1) {
      type = reader.number(wireType);
    } else if (isPayload(field)) {
      payload = reader.bytes(wireType);
      payloadField = field;
    } else {
      reader.skip(wireType);
    }
  }
  const wanted = isOwnNumber(type) ? type : payloadFields[type];
  if (wanted === undefined) return { type: "unknown", number: type };
  if (payload === undefined || payloadField !== wanted) {
    throw new TunnelError("protocol", `Cannot use packet of type ${type}: it has no payload`);
  }
  return readPayload(type, payload, message);
}

function isPayload(field: number): boolean {
  return (field >= firstPayloadField && field <= lastPayloadField) || isOwnNumber(field);
}

function readPayload(type: number, payload: Buffer, message: Buffer): Packet {
  const reader = new WireReader(payload);
  switch (type) {
    case 0:
      return readDialRequest(reader);
    case 1:
      return readDialResponse(reader);
    case 2:
      return { type: "closeRequest", connectionId: readOnlyId(reader) };
    case 3:
      return readCloseResponse(reader);
    case 4:
      return readData(reader, message);
    case 5:
      return { type: "closeDial", dialId: readOnlyId(reader) };
    case 6:
      return { type: "drain" };
    default:
      return readOwn(type, reader);
  }
}

function readDialRequest(reader: WireReader): Packet {
  let protocol = "";
  let address = "";
  let dialId = 0n;
  while (!reader.isAtEnd) {
    const [field, wireType] = reader.tag();
    if (field === 1) protocol = reader.string(wireType);
    else if (field === 2) address = reader.string(wireType);
    else if (field === 3) dialId = reader.int64(wireType);
    else reader.skip(wireType);
  }
  return { type: "dialRequest", protocol, address, dialId };
}

function readDialResponse(reader: WireReader): Packet {
  let error = "";
  let connectionId = 0n;
  let dialId = 0n;
  while (!reader.isAtEnd) {
    const [field, wireType] = reader.tag();
    if (field === 1) error = reader.string(wireType);
    else if (field === 2) connectionId = reader.int64(wireType);
    else if (field === 3) dialId = reader.int64(wireType);
    else reader.skip(wireType);
  }
  return { type: "dialResponse", dialId, connectionId, error };
}

function readCloseResponse(reader: WireReader): Packet {
  let error = "";
  let connectionId = 0n;
  while (!reader.isAtEnd) {
    const [field, wireType] = reader.tag();
    if (field === 1) error = reader.string(wireType);
    else if (field === 2) connectionId = reader.int64(wireType);
    else reader.skip(wireType);
  }
  return { type: "closeResponse", connectionId, error };
}

function readData(reader: WireReader, message: Buffer): Packet {
  let connectionId = 0n;
  let bytes: Buffer = empty;
  while (!reader.isAtEnd) {
    const [field, wireType] = reader.tag();
    if (field === 1) connectionId = reader.int64(wireType);
    else if (field === 3) bytes = reader.bytes(wireType);
    else reader.skip(wireType);
  }
  return { type: "data", connectionId, bytes, encoded: message };
}

/** Payloads whose one field is an id. */
function readOnlyId(reader: WireReader): bigint {
  let id = 0n;
  while (!reader.isAtEnd) {
    const [field, wireType] = reader.tag();
    if (field === 1) id = reader.int64(wireType);
    else reader.skip(wireType);
  }
  return id;
}

const empty = Buffer.alloc(0);
