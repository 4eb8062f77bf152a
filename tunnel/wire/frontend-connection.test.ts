import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TunnelErrorCode } from "../tunnel-error.ts";
import { TunnelError } from "../tunnel-error.ts";
import {
  type ConnectionEffect,
  type ConnectionEvent,
  type ConnectionState,
  stepConnection,
} from "./frontend-connection.ts";
import type { Packet } from "./packet.ts";

const dialling: ConnectionState = { kind: "dialling", dialId: 9n };
const open: ConnectionState = { kind: "open", connectionId: 2n };
const openOwn: ConnectionState = { ...open, canHalfClose: true };
const closing: ConnectionState = { kind: "closing" };
const closed: ConnectionState = { kind: "closed" };

const received = (packet: Packet): ConnectionEvent => ({ kind: "received", packet });
const halfClose = received({ type: "halfClose", connectionId: 2n });
const answer = (dialId: bigint, connectionId: bigint, error = ""): ConnectionEvent =>
  received({ type: "dialResponse", dialId, connectionId, error });
const data = (connectionId: bigint, bytes = Buffer.from("hi")): ConnectionEvent =>
  received({ type: "data", connectionId, bytes });
const closeResponse = (error = ""): ConnectionEvent =>
  received({ type: "closeResponse", connectionId: 2n, error });

/** Effects as short words: what the caller hears, and what happens to the stream. */
function told(effects: readonly ConnectionEffect[]): readonly string[] {
  return effects.map((effect) => {
    if (effect.kind === "finish") return `finish ${effect.error?.code ?? "well"}`;
    if (effect.kind === "send") return `send ${effect.packet.type}`;
    return effect.kind;
  });
}

interface Case {
  readonly state: ConnectionState;
  readonly event: ConnectionEvent;
  readonly next: ConnectionState;
  readonly effects: readonly string[];
}

const failedDial = (code: TunnelErrorCode) => [`finish ${code}`, "endStream"];
const cases: Readonly<Record<string, Case>> = {
  "opens with the answer to its dial": {
    state: dialling,
    event: answer(9n, 2n),
    next: open,
    effects: ["opened"],
  },
  "knows when each direction can end alone": {
    state: dialling,
    event: received({
      type: "dialResponse",
      dialId: 9n,
      connectionId: 2n,
      error: "",
      canHalfClose: true,
    }),
    next: openOwn,
    effects: ["opened"],
  },
  "sends what is written before the answer as early data": {
    state: dialling,
    event: { kind: "written", bytes: Buffer.from("hi") },
    next: dialling,
    effects: ["send earlyData"],
  },
  "ends its direction and goes on reading": {
    state: openOwn,
    event: { kind: "ended" },
    next: { ...openOwn, ended: "us" },
    effects: ["send halfClose"],
  },
  "delivers the target's end and goes on writing": {
    state: openOwn,
    event: halfClose,
    next: { ...openOwn, ended: "target" },
    effects: ["finish well"],
  },
  "still sends what is written when the target has ended": {
    state: { ...openOwn, ended: "target" },
    event: { kind: "written", bytes: Buffer.from("hi") },
    next: { ...openOwn, ended: "target" },
    effects: ["send data"],
  },
  "is over when the target ends as the second": {
    state: { ...openOwn, ended: "us" },
    event: halfClose,
    next: closed,
    effects: ["finish well", "endStream"],
  },
  "is over when it ends as the second": {
    state: { ...openOwn, ended: "target" },
    event: { kind: "ended" },
    next: closed,
    effects: ["send halfClose", "endStream"],
  },
  "is over when the target ends and nothing can end by half": {
    state: open,
    event: halfClose,
    next: closed,
    effects: ["finish well", "endStream"],
  },
  "takes the end of the stream's direction for the confirmation of a close": {
    state: closing,
    event: halfClose,
    next: closed,
    effects: ["finish well", "endStream"],
  },
  "breaks off at the answer to another dial": {
    state: dialling,
    event: answer(8n, 2n),
    next: closed,
    effects: ["finish protocol", "cancelStream"],
  },
  "breaks off at a connection without an id": {
    state: dialling,
    event: answer(9n, 0n),
    next: closed,
    effects: ["finish protocol", "cancelStream"],
  },
  "breaks off at data before the answer": {
    state: dialling,
    event: data(2n),
    next: closed,
    effects: ["finish protocol", "cancelStream"],
  },
  "knows that no agent is there": {
    state: dialling,
    event: answer(9n, 0n, "No agent available"),
    next: closed,
    effects: failedDial("no_agent"),
  },
  "knows a refused connection": {
    state: dialling,
    event: answer(9n, 0n, "dial tcp 10.0.0.1:443: connect: connection refused"),
    next: closed,
    effects: failedDial("dial_refused"),
  },
  "knows a dial that took too long": {
    state: dialling,
    event: answer(9n, 0n, "dial tcp 198.18.0.254:1234: i/o timeout"),
    next: closed,
    effects: failedDial("dial_timeout"),
  },
  "knows that the dial was closed": {
    state: dialling,
    event: received({ type: "closeDial", dialId: 9n }),
    next: closed,
    effects: failedDial("dial_failed"),
  },
  "fails the dial when the server ends the stream": {
    state: dialling,
    event: { kind: "streamEnded" },
    next: closed,
    effects: failedDial("unreachable"),
  },
  "delivers data": { state: open, event: data(2n), next: open, effects: ["deliver"] },
  "ignores empty data": {
    state: open,
    event: data(2n, Buffer.alloc(0)),
    next: open,
    effects: [],
  },
  "breaks off at another connection's data": {
    state: open,
    event: data(3n),
    next: closed,
    effects: ["finish protocol", "cancelStream"],
  },
  "sends what is written": {
    state: open,
    event: { kind: "written", bytes: Buffer.from("hi") },
    next: open,
    effects: ["send data"],
  },
  "asks to close at the end of what is written": {
    state: open,
    event: { kind: "ended" },
    next: closing,
    effects: ["send closeRequest"],
  },
  "still delivers data while closing": {
    state: closing,
    event: data(2n),
    next: closing,
    effects: ["deliver"],
  },
  "ends well when the target closes": {
    state: open,
    event: closeResponse(),
    next: closed,
    effects: ["finish well", "endStream"],
  },
  "ends with the reason when there is one": {
    state: open,
    event: closeResponse("the agent is gone"),
    next: closed,
    effects: ["finish closed", "endStream"],
  },
  "ends well when the close is confirmed": {
    state: closing,
    event: closeResponse(),
    next: closed,
    effects: ["finish well", "endStream"],
  },
  "does not take a lost stream for the end": {
    state: open,
    event: { kind: "streamEnded" },
    next: closed,
    effects: ["finish closed", "endStream"],
  },
  "takes the end of the stream for the confirmation of a close": {
    state: closing,
    event: { kind: "streamEnded" },
    next: closed,
    effects: ["finish well", "endStream"],
  },
  "passes on what ended the stream": {
    state: open,
    event: { kind: "streamEnded", error: new TunnelError("unreachable", "gone") },
    next: closed,
    effects: ["finish unreachable", "endStream"],
  },
  "cancels the stream when the caller is not interested any more": {
    state: open,
    event: { kind: "abandoned" },
    next: closed,
    effects: ["cancelStream"],
  },
  "has nothing to add once closed": {
    state: closed,
    event: { kind: "abandoned" },
    next: closed,
    effects: [],
  },
};

describe("stepConnection()", () => {
  for (const [name, { state, event, next, effects }] of Object.entries(cases)) {
    it(name, () => {
      const [gotNext, gotEffects] = stepConnection(state, event);
      assert.deepEqual([gotNext, told(gotEffects)], [next, effects]);
    });
  }
});
