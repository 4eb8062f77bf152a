import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CloseDial, CloseRequest, CloseResponse, Data, DialResponse } from "./packet.ts";
import { stepRelay } from "./relay.ts";
import type {
  AgentPacket,
  FrontendPacket,
  RelayEffect,
  RelayEvent,
  RelayState,
} from "./relay-state.ts";
import { texts } from "./texts.ts";

const idle: RelayState = { kind: "idle" };
const dialling: RelayState = { kind: "dialling", frontendDialId: 5n, dialId: 77n };
const open: RelayState = { kind: "open", connectionId: 3n };
const diallingOwn: RelayState = { ...dialling, canHalfClose: true };
const openOwn: RelayState = { ...open, canHalfClose: true };
const closing: RelayState = { kind: "closing", connectionId: 3n };
const closed: RelayState = { kind: "closed" };

const request = { type: "dialRequest", protocol: "tcp", address: "a:1", dialId: 5n } as const;
const data = (connectionId: bigint, text = "hi"): Data => ({
  type: "data",
  connectionId,
  bytes: Buffer.from(text),
});
const closeRequest = (connectionId: bigint): CloseRequest => ({
  type: "closeRequest",
  connectionId,
});
const closeResponse = (connectionId: bigint, error = ""): CloseResponse => ({
  type: "closeResponse",
  connectionId,
  error,
});
const dialResponse = (dialId: bigint, connectionId: bigint, error = ""): DialResponse => ({
  type: "dialResponse",
  dialId,
  connectionId,
  error,
});
const closeDial = (dialId: bigint): CloseDial => ({ type: "closeDial", dialId });

const halfClose = { type: "halfClose", connectionId: 3n } as const;
const early = (dialId: bigint) =>
  ({ type: "earlyData", dialId, bytes: Buffer.from("hi") }) as const;

const fromFrontend = (packet: FrontendPacket): RelayEvent => ({ kind: "fromFrontend", packet });
const fromAgent = (packet: AgentPacket): RelayEvent => ({ kind: "fromAgent", packet });
const toFrontend = (packet: CloseResponse | typeof halfClose): RelayEffect => ({
  kind: "toFrontend",
  packet,
});
const toAgent = (packet: CloseRequest | typeof halfClose): RelayEffect => ({
  kind: "toAgent",
  packet,
});
const released: RelayEffect = { kind: "released" };
const failed = (reason: Extract<RelayEffect, { kind: "dialFailed" }>["reason"]): RelayEffect => ({
  kind: "dialFailed",
  reason,
});

interface Case {
  readonly state: RelayState;
  readonly event: RelayEvent;
  readonly next: RelayState;
  readonly effects: readonly RelayEffect[];
}

const cases: Readonly<Record<string, Case>> = {
  "passes a dial on under an id of its own": {
    state: idle,
    event: { kind: "dialled", request, dialId: 77n },
    next: dialling,
    effects: [{ kind: "toAgent", packet: { ...request, dialId: 77n } }],
  },
  "remembers of a frontend that it can end one direction, and does not tell the agent": {
    state: idle,
    event: { kind: "dialled", request: { ...request, canHalfClose: true }, dialId: 77n },
    next: diallingOwn,
    effects: [{ kind: "toAgent", packet: { ...request, dialId: 77n } }],
  },
  "passes early data on under the id of its own": {
    state: dialling,
    event: fromFrontend(early(1n)),
    next: dialling,
    effects: [{ kind: "toAgent", packet: early(77n) }],
  },
  "opens with half-close where both ends have it": {
    state: diallingOwn,
    event: fromAgent({ ...dialResponse(77n, 3n), canHalfClose: true, earlyBytes: 2 }),
    next: openOwn,
    effects: [
      { kind: "established", connectionId: 3n },
      { kind: "toFrontend", packet: { ...dialResponse(5n, 3n), canHalfClose: true } },
    ],
  },
  "opens without half-close where the agent has none": {
    state: diallingOwn,
    event: fromAgent(dialResponse(77n, 3n)),
    next: open,
    effects: [
      { kind: "established", connectionId: 3n },
      { kind: "toFrontend", packet: dialResponse(5n, 3n) },
    ],
  },
  "keeps the end of a frontend that ends before its dial is answered": {
    state: diallingOwn,
    event: fromFrontend({ ...halfClose, connectionId: 0n }),
    next: { ...diallingOwn, hasEnded: true },
    effects: [],
  },
  "passes the kept end on behind the answer": {
    state: { ...diallingOwn, hasEnded: true },
    event: fromAgent({ ...dialResponse(77n, 3n), canHalfClose: true }),
    next: { ...openOwn, ended: "frontend" },
    effects: [
      { kind: "established", connectionId: 3n },
      { kind: "toFrontend", packet: { ...dialResponse(5n, 3n), canHalfClose: true } },
      toAgent(halfClose),
    ],
  },
  "passes the end of the frontend's direction on, and goes on with the other": {
    state: openOwn,
    event: fromFrontend(halfClose),
    next: { ...openOwn, ended: "frontend" },
    effects: [toAgent(halfClose)],
  },
  "passes the end of the target's direction on, and goes on with the other": {
    state: openOwn,
    event: fromAgent(halfClose),
    next: { ...openOwn, ended: "agent" },
    effects: [toFrontend(halfClose)],
  },
  "still passes data on while one direction has ended": {
    state: { ...openOwn, ended: "frontend" },
    event: fromAgent(data(3n)),
    next: { ...openOwn, ended: "frontend" },
    effects: [{ kind: "toFrontend", packet: data(3n) }],
  },
  "is over when the target ends as the second": {
    state: { ...openOwn, ended: "frontend" },
    event: fromAgent(halfClose),
    next: closed,
    effects: [toFrontend(halfClose), released],
  },
  "is over when the frontend ends as the second": {
    state: { ...openOwn, ended: "agent" },
    event: fromFrontend(halfClose),
    next: closed,
    effects: [toAgent(halfClose), released],
  },
  "asks an agent that has no half-close to close": {
    state: open,
    event: fromFrontend(halfClose),
    next: closing,
    effects: [toAgent(closeRequest(3n))],
  },
  "tells a frontend that has no half-close that it is over": {
    state: open,
    event: fromAgent(halfClose),
    next: closed,
    effects: [toFrontend(closeResponse(3n)), released],
  },
  "takes the end of the agent's direction for the confirmation of a close": {
    state: closing,
    event: fromAgent(halfClose),
    next: closed,
    effects: [toFrontend(closeResponse(3n)), released],
  },
  "answers a dial that nobody can take": {
    state: idle,
    event: { kind: "undialable", request, error: texts.noAgent },
    next: closed,
    effects: [
      { kind: "toFrontend", packet: dialResponse(5n, 0n, "No agent available") },
      failed("no_agent"),
    ],
  },
  "refuses data before a dial": {
    state: idle,
    event: fromFrontend(data(3n)),
    next: closed,
    effects: [{ kind: "toFrontend", packet: closeResponse(3n, "backend not initialized") }],
  },
  "answers a close before a dial and goes on": {
    state: idle,
    event: fromFrontend(closeRequest(3n)),
    next: idle,
    effects: [{ kind: "toFrontend", packet: closeResponse(3n, "backend uninitialized") }],
  },
  "opens with the answer under the frontend's own id, registered before it is told": {
    state: dialling,
    event: fromAgent(dialResponse(77n, 3n)),
    next: open,
    effects: [
      { kind: "established", connectionId: 3n },
      { kind: "toFrontend", packet: dialResponse(5n, 3n) },
    ],
  },
  "passes the error of a dial on": {
    state: dialling,
    event: fromAgent(dialResponse(77n, 0n, "dial tcp: no")),
    next: closed,
    effects: [
      { kind: "toFrontend", packet: dialResponse(5n, 0n, "dial tcp: no") },
      failed("error_response"),
      released,
    ],
  },
  "tells the agent when the frontend gives a dial up": {
    state: dialling,
    event: fromFrontend(closeDial(5n)),
    next: closed,
    effects: [{ kind: "toAgent", packet: closeDial(77n) }, failed("frontend_close"), released],
  },
  "tells the agent when the frontend goes while dialling": {
    state: dialling,
    event: { kind: "frontendGone" },
    next: closed,
    effects: [{ kind: "toAgent", packet: closeDial(77n) }, failed("frontend_close"), released],
  },
  "lets no data through before the dial's answer": {
    state: dialling,
    event: fromFrontend(data(1n)),
    next: closed,
    effects: [
      { kind: "toFrontend", packet: closeResponse(1n, texts.mismatchedConnection) },
      { kind: "toAgent", packet: closeDial(77n) },
      failed("frontend_close"),
      released,
    ],
  },
  "answers a dial that took too long": {
    state: dialling,
    event: { kind: "dialTimedOut" },
    next: closed,
    effects: [
      { kind: "toFrontend", packet: dialResponse(5n, 0n, texts.dialTimedOut) },
      { kind: "toAgent", packet: closeDial(77n) },
      failed("backend_dial_timeout"),
      released,
    ],
  },
  "answers a pending dial at once when the agent goes": {
    state: dialling,
    event: { kind: "agentGone" },
    next: closed,
    effects: [
      { kind: "toFrontend", packet: dialResponse(5n, 0n, texts.agentLost) },
      failed("backend_close"),
      released,
    ],
  },
  "refuses a second dial on one stream": {
    state: open,
    event: { kind: "undialable", request: { ...request, dialId: 6n }, error: texts.noAgent },
    next: open,
    effects: [{ kind: "toFrontend", packet: dialResponse(6n, 0n, texts.secondDial) }],
  },
  "passes data to the agent": {
    state: open,
    event: fromFrontend(data(3n)),
    next: open,
    effects: [{ kind: "toAgent", packet: data(3n) }],
  },
  "passes data to the frontend": {
    state: open,
    event: fromAgent(data(3n)),
    next: open,
    effects: [{ kind: "toFrontend", packet: data(3n) }],
  },
  "drops empty data, which some peers read as the end": {
    state: open,
    event: fromAgent(data(3n, "")),
    next: open,
    effects: [],
  },
  "closes a frontend that uses another one's connection, and sends nothing of it": {
    state: open,
    event: fromFrontend(data(4n)),
    next: closed,
    effects: [
      { kind: "toFrontend", packet: closeResponse(4n, texts.mismatchedConnection) },
      { kind: "toFrontend", packet: closeResponse(3n, texts.mismatchedConnection) },
      { kind: "toAgent", packet: closeRequest(3n) },
      released,
    ],
  },
  "asks the agent to close": {
    state: open,
    event: fromFrontend(closeRequest(3n)),
    next: closing,
    effects: [{ kind: "toAgent", packet: closeRequest(3n) }],
  },
  "still delivers what comes before the agent confirms the close": {
    state: closing,
    event: fromAgent(data(3n)),
    next: closing,
    effects: [{ kind: "toFrontend", packet: data(3n) }],
  },
  "ends with the agent's confirmation": {
    state: closing,
    event: fromAgent(closeResponse(3n)),
    next: closed,
    effects: [{ kind: "toFrontend", packet: closeResponse(3n) }, released],
  },
  "ends when the target closes": {
    state: open,
    event: fromAgent(closeResponse(3n)),
    next: closed,
    effects: [{ kind: "toFrontend", packet: closeResponse(3n) }, released],
  },
  "asks the agent to close when the frontend goes": {
    state: open,
    event: { kind: "frontendGone" },
    next: closed,
    effects: [{ kind: "toAgent", packet: closeRequest(3n) }, released],
  },
  "tells the frontend when the agent goes": {
    state: open,
    event: { kind: "agentGone" },
    next: closed,
    effects: [{ kind: "toFrontend", packet: closeResponse(3n, texts.agentLost) }, released],
  },
  "cuts a frontend that takes nothing": {
    state: open,
    event: { kind: "readerStalled" },
    next: closed,
    effects: [
      { kind: "toAgent", packet: closeRequest(3n) },
      released,
      { kind: "cut", reason: texts.readerStalled },
    ],
  },
  "discards what comes after the end": {
    state: closed,
    event: fromFrontend(data(3n)),
    next: closed,
    effects: [],
  },
};

describe("stepRelay()", () => {
  for (const [name, { state, event, next, effects }] of Object.entries(cases)) {
    it(name, () => assert.deepEqual(stepRelay(state, event), [next, effects]));
  }
});
