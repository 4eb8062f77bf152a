import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { TunnelError } from "../tunnel-error.ts";
import { decodePacket } from "./decode.ts";
import { encodePacket } from "./encode.ts";
import {
  type ConnectionEffect,
  type ConnectionState,
  stepConnection,
} from "./frontend-connection.ts";
import type { OutgoingPacket, Packet } from "./packet.ts";
import { stepRelay } from "./relay.ts";
import {
  type AgentPacket,
  type FrontendPacket,
  idleRelay,
  type RelayEffect,
  type RelayEvent,
} from "./relay-state.ts";
import { stepTarget, type TargetEffect, type TargetEvent } from "./target-connection.ts";

// Few values, so that they meet.
const id = fc.constantFrom(0n, 1n, 2n, 77n);
const error = fc.constantFrom("", "No agent available", "other");
const bytes = fc.constantFrom(Buffer.alloc(0), Buffer.from("hi"));
const canHalfClose = fc.boolean();

const packets = {
  dialRequest: fc.record({
    type: fc.constant("dialRequest" as const),
    protocol: fc.constantFrom("tcp", "udp"),
    address: fc.constant("a:1"),
    dialId: id,
  }),
  dialResponse: fc.record({
    type: fc.constant("dialResponse" as const),
    dialId: id,
    connectionId: id,
    error,
    canHalfClose,
  }),
  data: fc.record({ type: fc.constant("data" as const), connectionId: id, bytes }),
  earlyData: fc.record({ type: fc.constant("earlyData" as const), dialId: id, bytes }),
  halfClose: fc.record({ type: fc.constant("halfClose" as const), connectionId: id }),
  closeRequest: fc.record({ type: fc.constant("closeRequest" as const), connectionId: id }),
  closeResponse: fc.record({
    type: fc.constant("closeResponse" as const),
    connectionId: id,
    error,
  }),
  closeDial: fc.record({ type: fc.constant("closeDial" as const), dialId: id }),
};
const { dialRequest, dialResponse, data, earlyData, halfClose } = packets;
const { closeRequest, closeResponse, closeDial } = packets;

const fromFrontend: fc.Arbitrary<FrontendPacket> = fc.oneof(
  data,
  earlyData,
  halfClose,
  closeRequest,
  closeDial,
);
const fromAgent: fc.Arbitrary<AgentPacket> = fc.oneof(
  dialResponse,
  data,
  halfClose,
  closeResponse,
  closeDial,
);
const relayEvent: fc.Arbitrary<RelayEvent> = fc.oneof(
  fc.record({ kind: fc.constant("dialled" as const), request: dialRequest, dialId: id }),
  fc.record({ kind: fc.constant("undialable" as const), request: dialRequest, error }),
  fc.record({ kind: fc.constant("fromFrontend" as const), packet: fromFrontend }),
  fc.record({ kind: fc.constant("fromAgent" as const), packet: fromAgent }),
  ...(["dialTimedOut", "readerStalled", "frontendGone", "agentGone"] as const).map((kind) =>
    fc.record({ kind: fc.constant(kind) }),
  ),
);

function count<T>(list: readonly T[], matches: (item: T) => boolean): number {
  return list.filter(matches).length;
}

/** What Go's programs take for the end of a connection, or crash on. */
function assertSendable(packet: OutgoingPacket): void {
  if (packet.type !== "halfClose") assert.notEqual(encodePacket(packet).length, 0);
  if (packet.type === "data") assert.notEqual(packet.bytes.length, 0);
}

const runs = { numRuns: 2000 };

describe("the state machines, whatever comes in whatever order", () => {
  it("the server's side releases its backend once, and answers one dial", () => {
    fc.assert(
      fc.property(fc.array(relayEvent, { maxLength: 12 }), (events) => {
        let state = idleRelay;
        const effects: RelayEffect[] = [];
        for (const event of events) {
          const [next, more] = stepRelay(state, event);
          if (state.kind === "closed") assert.deepEqual([next, more], [state, []]);
          state = next;
          effects.push(...more);
        }
        assert.ok(count(effects, ({ kind }) => kind === "released") <= 1, "released once");
        assert.ok(count(effects, ({ kind }) => kind === "established") <= 1, "established once");
        assert.ok(count(effects, ({ kind }) => kind === "cut") <= 1, "cut once");
        const released = effects.findIndex(({ kind }) => kind === "released");
        const late = released < 0 ? [] : effects.slice(released + 1);
        assert.ok(!late.some(({ kind }) => kind === "toAgent"), "nothing after the release");
        checkFrontendSees(effects);
      }),
      runs,
    );
  });

  const targetEvent: fc.Arbitrary<TargetEvent> = fc.oneof(
    fc.record({ kind: fc.constant("connected" as const), canHalfClose }),
    fc.record({ kind: fc.constant("refused" as const), error: fc.constant("refused") }),
    fc.record({ kind: fc.constant("dataFromServer" as const), bytes }),
    fc.record({ kind: fc.constant("dataFromTarget" as const), bytes }),
    ...(
      [
        "dialCancelled",
        "frontendEnded",
        "closeRequested",
        "flushed",
        "targetEnded",
        "targetGone",
        "readerStalled",
        "serverGone",
      ] as const
    ).map((kind) => fc.record({ kind: fc.constant(kind) })),
  );

  it("the agent's side answers its dial once, closes once, and says nothing afterwards", () => {
    fc.assert(
      fc.property(fc.array(targetEvent, { maxLength: 12 }), (events) => {
        let state: Parameters<typeof stepTarget>[0] = {
          kind: "dialling",
          dialId: 1n,
          connectionId: 2n,
        };
        const effects: TargetEffect[] = [];
        for (const event of events) {
          const [next, more] = stepTarget(state, event);
          if (state.kind === "closed") assert.deepEqual([next, more], [state, []]);
          state = next;
          effects.push(...more);
        }
        assert.ok(count(effects, ({ kind }) => kind === "released") <= 1, "released once");
        const sent = effects.flatMap((effect) => (effect.kind === "send" ? [effect.packet] : []));
        for (const packet of sent) assertSendable(packet);
        const types = sent.map(({ type }) => type);
        if (types.length > 0) assert.equal(types[0], "dialResponse");
        assert.ok(count(types, (type) => type === "dialResponse") <= 1, "one answer");
        const end = types.indexOf("closeResponse");
        if (end >= 0) assert.equal(end, types.length - 1, "nothing after the close");
      }),
      runs,
    );
  });

  const received: fc.Arbitrary<Packet> = fc.oneof(
    ...Object.values(packets),
    fc.constant({ type: "drain" } as const),
    fc.constant({ type: "unknown", number: 99 } as const),
  );
  const connectionEvent = fc.oneof(
    fc.record({ kind: fc.constant("received" as const), packet: received }),
    fc.record({ kind: fc.constant("written" as const), bytes: fc.constant(Buffer.from("out")) }),
    fc.record({ kind: fc.constant("ended" as const) }),
    fc.record({ kind: fc.constant("abandoned" as const) }),
    fc.record({ kind: fc.constant("streamEnded" as const) }),
  );

  it("the frontend's side opens once, finishes once, and delivers nothing before or after", () => {
    fc.assert(
      fc.property(fc.array(connectionEvent, { maxLength: 12 }), (events) => {
        let state: ConnectionState = { kind: "dialling", dialId: 1n };
        const effects: ConnectionEffect[] = [];
        for (const event of events) {
          // Nobody has the connection before it is open.
          if (state.kind === "dialling" && (event.kind === "written" || event.kind === "ended")) {
            continue;
          }
          const [next, more] = stepConnection(state, event);
          if (state.kind === "closed") assert.deepEqual([next, more], [state, []]);
          state = next;
          effects.push(...more);
        }
        const kinds = effects.map(({ kind }) => kind);
        assert.ok(count(kinds, (kind) => kind === "opened") <= 1, "opened once");
        assert.ok(count(kinds, (kind) => kind === "finish") <= 2, "finished");
        const delivered = kinds.indexOf("deliver");
        if (delivered >= 0) assert.ok(kinds.indexOf("opened") < delivered, "opened before");
        for (const effect of effects) if (effect.kind === "send") assertSendable(effect.packet);
      }),
      runs,
    );
  });
});

/** One answer to the dial, then data, then the close; a second dial is told that it is one too many. */
function checkFrontendSees(effects: readonly RelayEffect[]): void {
  const seen = effects.flatMap((effect) => (effect.kind === "toFrontend" ? [effect.packet] : []));
  for (const packet of seen) assertSendable(packet);
  const answers = count(seen, (packet) => packet.type === "dialResponse" && packet.error === "");
  assert.ok(answers <= 1, "one connection");
  const opened = seen.findIndex((packet) => packet.type === "dialResponse" && packet.error === "");
  const first = seen.findIndex(({ type }) => type === "data");
  if (first >= 0) assert.ok(opened >= 0 && opened < first, "data only once it is open");
}

describe("decodePacket()", () => {
  it("reads any bytes as a packet or throws the one error it has", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (noise) => {
        try {
          decodePacket(Buffer.from(noise));
        } catch (thrown) {
          assert.ok(thrown instanceof TunnelError && thrown.code === "protocol");
        }
      }),
      runs,
    );
  });

  const outgoing: fc.Arbitrary<OutgoingPacket> = fc.oneof(
    ...Object.values(packets).filter((packet) => packet !== halfClose),
  ) as fc.Arbitrary<OutgoingPacket>;

  it("never takes a part of a packet, or one with a bit turned, for worse than another packet", () => {
    fc.assert(
      fc.property(outgoing, fc.nat(), fc.nat({ max: 7 }), (packet, at, bit) => {
        const whole = encodePacket(packet);
        const part = whole.subarray(0, at % (whole.length + 1));
        const turned = Buffer.from(whole);
        const index = at % Math.max(1, whole.length);
        turned[index] = (turned[index] ?? 0) ^ (1 << bit);
        for (const message of [part, turned]) {
          try {
            decodePacket(message);
          } catch (thrown) {
            assert.ok(thrown instanceof TunnelError && thrown.code === "protocol");
          }
        }
      }),
      runs,
    );
  });
});
