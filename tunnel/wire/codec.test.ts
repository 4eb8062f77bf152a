import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { loadSync, type ServiceDefinition } from "@grpc/proto-loader";
import * as fc from "fast-check";
import { decodePacket } from "./decode.ts";
import { encodePacket } from "./encode.ts";
import type { OwnPacket } from "./own-packets.ts";
import type { HalfClose, OutgoingPacket, Packet } from "./packet.ts";

const dialId = 8674665223082153551n;

/** What protobuf-go writes. */
const golden: Readonly<Record<string, readonly [OutgoingPacket, string]>> = {
  DIAL_REQ: [
    { type: "dialRequest", protocol: "tcp", address: "a:1", dialId },
    "12140a037463701203613a3118cfacfcf9f5c1a6b178",
  ],
  DIAL_RSP: [
    { type: "dialResponse", dialId, connectionId: 1n, error: "" },
    "08011a0c100118cfacfcf9f5c1a6b178",
  ],
  "DIAL_RSP with an error": [
    { type: "dialResponse", dialId, connectionId: 0n, error: "No agent available" },
    "08011a1e0a124e6f206167656e7420617661696c61626c6518cfacfcf9f5c1a6b178",
  ],
  CLOSE_REQ: [{ type: "closeRequest", connectionId: 1n }, "08022a020801"],
  CLOSE_RSP: [{ type: "closeResponse", connectionId: 1n, error: "" }, "080332021001"],
  "CLOSE_RSP with an error": [
    { type: "closeResponse", connectionId: 7n, error: "Unknown connectID" },
    "080332150a11556e6b6e6f776e20636f6e6e65637449441007",
  ],
  DATA: [{ type: "data", connectionId: 1n, bytes: Buffer.from("hi") }, "0804220608011a026869"],
  DIAL_CLS: [{ type: "closeDial", dialId }, "08053a0a08cfacfcf9f5c1a6b178"],
  DRAIN: [{ type: "drain" }, "08064200"],
};

describe("the packet codec", () => {
  for (const [name, [packet, hex]] of Object.entries(golden)) {
    it(`writes ${name} as Go does`, () => assert.equal(encodePacket(packet).toString("hex"), hex));
    it(`reads ${name}`, () => assert.deepEqual(decode(Buffer.from(hex, "hex")), packet));
  }

  it("passes a received data packet on as the very bytes that came, unknown fields included", () => {
    const message = Buffer.from("0804220608011a0268697a0101", "hex");
    assert.equal(encodePacket(decodePacket(message) as OutgoingPacket), message);
  });

  it("keeps early data to itself: upstream knows no such type", () => {
    const early = { type: "earlyData", dialId, bytes: Buffer.from("hi") } as const;
    const message = encodePacket(early);
    assert.deepEqual(decodePacket(message), early);
    assert.equal(message.toString("hex"), "08e807c23e0e08cfacfcf9f5c1a6b1781a026869");
  });

  const backend = { id: 300n, isGone: false, isDraining: true, servesAny: false };
  const ours: Readonly<Record<string, Packet>> = {
    "no servers": { type: "servers", ids: [] },
    "some servers": { type: "servers", ids: ["one", "zwölf"] },
    "an empty report": { type: "report", isWhole: true, backends: [] },
    "a report": {
      type: "report",
      isWhole: false,
      backends: [
        { ...backend, hosts: ["cluster1", "cluster1.ns"] },
        { id: 2n, isGone: true, isDraining: false, servesAny: true, hosts: [] },
      ],
    },
  };
  for (const [name, packet] of Object.entries(ours)) {
    it(`carries ${name} between our own ends`, () => {
      assert.deepEqual(decodePacket(encodePacket(packet as OutgoingPacket)), packet);
    });
  }

  it("reads the payload of data as a view of the message", () => {
    const packet = decodePacket(Buffer.from("0804220608011a026869", "hex"));
    assert.ok(packet.type === "data");
    assert.equal(packet.bytes.buffer, packet.encoded?.buffer);
  });
});

describe("decodePacket()", () => {
  it("reports a type that it does not know", () => {
    assert.deepEqual(decodePacket(Buffer.from("0863", "hex")), { type: "unknown", number: 99 });
  });

  const refused: Readonly<Record<string, string>> = {
    "an empty message": "",
    "a type without its payload": "0804",
    "a type with another type's payload": "08042a020801",
    "a length beyond the end": "080422ff01",
    "a message that ends within a number": "08",
    "a varint that never ends": "0804220c08ffffffffffffffffffffff",
    "field number 0": "0000",
    "a group": "0b",
    "a string that is not UTF-8": "08011a030a01ff",
  };
  for (const [what, hex] of Object.entries(refused)) {
    it(`refuses ${what}`, () => {
      assert.throws(() => decodePacket(Buffer.from(hex, "hex")), {
        name: "TunnelError",
        code: "protocol",
      });
    });
  }

  it("throws nothing but TunnelErrors, whatever it is given", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          decodePacket(Buffer.from(bytes));
        } catch (error) {
          assert.equal((error as Error).name, "TunnelError");
        }
      }),
    );
  });
});

describe("the packet codec against protobufjs", () => {
  const definition = loadSync(
    fileURLToPath(new URL("../../protos/tunnel.proto", import.meta.url)),
    {
      keepCase: true,
      longs: String,
      enums: Number,
      defaults: true,
      oneofs: true,
    },
  );
  const { Proxy: proxy } = definition["ProxyService"] as ServiceDefinition;
  assert.ok(proxy !== undefined);

  it("is read by it", () => {
    fc.assert(
      fc.property(anyPacket, (packet) => {
        assert.deepEqual(proxy.requestDeserialize(encodePacket(packet)), asProto(packet));
      }),
    );
  });

  it("reads what it writes", () => {
    fc.assert(
      fc.property(anyPacket, (packet) => {
        assert.deepEqual(decode(proxy.requestSerialize(asProto(packet))), packet);
      }),
    );
  });
});

function decode(message: Buffer): Packet {
  const packet = decodePacket(message);
  if (packet.type !== "data") return packet;
  const { encoded: _encoded, bytes, ...rest } = packet;
  return { ...rest, bytes: Buffer.from(bytes) };
}

const id = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const smallOrAnyId = fc.oneof(fc.bigInt({ min: 0n, max: 300n }), id);
const text = fc.string({ unit: "grapheme" });
const record = <T>(fields: { [Key in keyof T]: fc.Arbitrary<T[Key]> }) =>
  fc.record<T>(fields, { noNullPrototype: true });

/** Packets of upstream's. */
type WirePacket = Exclude<OutgoingPacket, OwnPacket | HalfClose>;

const anyPacket: fc.Arbitrary<WirePacket> = fc.oneof(
  record({ type: fc.constant("dialRequest"), protocol: text, address: text, dialId: id }),
  record({
    type: fc.constant("dialResponse"),
    dialId: id,
    connectionId: smallOrAnyId,
    error: text,
  }),
  record({ type: fc.constant("closeRequest"), connectionId: smallOrAnyId }),
  record({ type: fc.constant("closeResponse"), connectionId: smallOrAnyId, error: text }),
  record({
    type: fc.constant("data"),
    connectionId: smallOrAnyId,
    bytes: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  }),
  record({ type: fc.constant("closeDial"), dialId: id }),
  record({ type: fc.constant("drain") }),
);

function asProto(packet: WirePacket): object {
  switch (packet.type) {
    case "dialRequest": {
      const { protocol, address } = packet;
      return proto(0, "dialRequest", { protocol, address, random: packet.dialId.toString() });
    }
    case "dialResponse": {
      const connectID = packet.connectionId.toString();
      const random = packet.dialId.toString();
      return proto(1, "dialResponse", { error: packet.error, connectID, random });
    }
    case "closeRequest":
      return proto(2, "closeRequest", { connectID: packet.connectionId.toString() });
    case "closeResponse": {
      const connectID = packet.connectionId.toString();
      return proto(3, "closeResponse", { error: packet.error, connectID });
    }
    case "data": {
      const connectID = packet.connectionId.toString();
      return proto(4, "data", { connectID, error: "", data: packet.bytes });
    }
    case "closeDial":
      return proto(5, "closeDial", { random: packet.dialId.toString() });
    case "drain":
      return proto(6, "drain", {});
  }
}

function proto(type: number, payload: string, value: object): object {
  return { type, [payload]: value, payload };
}
