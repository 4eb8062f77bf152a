import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { describe, it } from "node:test";
import type { OutgoingPacket } from "../wire/packet.ts";
import { Backends } from "./backends.ts";
import { Reports } from "./reports.ts";

class Stream extends EventEmitter {
  readonly sent: OutgoingPacket[] = [];
  hasRoom = true;
  write(packet: OutgoingPacket): boolean {
    this.sent.push(packet);
    return this.hasRoom;
  }
}

describe("Reports", () => {
  const whole = { type: "report", isWhole: true, backends: [] };

  it("ask frontends to go, those that come later too", () => {
    const reports = new Reports(new Backends(["destHost"]));
    const [early, late] = [new Stream(), new Stream()];
    reports.follow(early);
    reports.leave();
    reports.follow(late);
    assert.deepEqual(early.sent, [whole, { type: "drain" }]);
    assert.deepEqual(late.sent, [whole, { type: "drain" }]);
  });

  it("do not pile up for a frontend that reads slowly: it gets everything anew", () => {
    const reports = new Reports(new Backends(["destHost"]));
    const slow = new Stream();
    slow.hasRoom = false;
    reports.follow(slow);
    reports.leave();
    assert.deepEqual(slow.sent, [whole]);
    slow.hasRoom = true;
    slow.emit("drain");
    assert.deepEqual(slow.sent, [whole, whole, { type: "drain" }]);
  });
});
