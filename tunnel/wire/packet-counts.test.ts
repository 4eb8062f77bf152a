import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PacketCounts } from "./packet-counts.ts";

describe("PacketCounts", () => {
  it("counts packets by way and type, and the bytes of data", () => {
    const counts = new PacketCounts<"from_client" | "to_client">();
    counts.count("from_client", { type: "data", connectionId: 1n, bytes: Buffer.alloc(10) });
    counts.count("from_client", { type: "data", connectionId: 1n, bytes: Buffer.alloc(5) });
    counts.count("to_client", { type: "drain" });
    counts.count("to_client", { type: "unknown", number: 99 });
    assert.deepEqual(counts.packets(), [
      [{ segment: "from_client", packet_type: "DATA" }, 2],
      [{ segment: "to_client", packet_type: "DRAIN" }, 1],
      [{ segment: "to_client", packet_type: "Unknown" }, 1],
    ]);
    assert.deepEqual(counts.bytes(), [[{ segment: "from_client" }, 15]]);
  });
});
