import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  stepTarget,
  type TargetEffect,
  type TargetEvent,
  type TargetState,
} from "./target-connection.ts";
import { texts } from "./texts.ts";

const dialling: TargetState = { kind: "dialling", dialId: 9n, connectionId: 2n };
const open: TargetState = { kind: "open", connectionId: 2n };
const openOwn: TargetState = { ...open, canHalfClose: true };
const halfClose = { type: "halfClose", connectionId: 2n } as const;
const flushing: TargetState = { kind: "flushing", connectionId: 2n };
const closed: TargetState = { kind: "closed" };
const bytes = Buffer.from("hi");

const send = (packet: Extract<TargetEffect, { kind: "send" }>["packet"]): TargetEffect => ({
  kind: "send",
  packet,
});
const confirm = (error = "") => send({ type: "closeResponse", connectionId: 2n, error });
const released: TargetEffect = { kind: "released" };
const endSocket: TargetEffect = { kind: "endSocket" };
const destroySocket: TargetEffect = { kind: "destroySocket" };

interface Case {
  readonly state: TargetState;
  readonly event: TargetEvent;
  readonly next: TargetState;
  readonly effects: readonly TargetEffect[];
}

const cases: Readonly<Record<string, Case>> = {
  "answers the dial when connected": {
    state: dialling,
    event: { kind: "connected" },
    next: open,
    effects: [send({ type: "dialResponse", dialId: 9n, connectionId: 2n, error: "" })],
  },
  "knows when its stream can end one direction alone": {
    state: dialling,
    event: { kind: "connected", canHalfClose: true },
    next: openOwn,
    effects: [send({ type: "dialResponse", dialId: 9n, connectionId: 2n, error: "" })],
  },
  "writes what came before the target was reached": {
    state: dialling,
    event: { kind: "dataFromServer", bytes },
    next: dialling,
    effects: [{ kind: "write", bytes }],
  },
  "ends the target's input when the frontend ends, and goes on with the other direction": {
    state: openOwn,
    event: { kind: "frontendEnded" },
    next: { ...openOwn, ended: "frontend" },
    effects: [endSocket],
  },
  "passes the target's end on, and goes on with the other direction": {
    state: openOwn,
    event: { kind: "targetEnded" },
    next: { ...openOwn, ended: "target" },
    effects: [send(halfClose)],
  },
  "still sends the target's data when the frontend has ended": {
    state: { ...openOwn, ended: "frontend" },
    event: { kind: "dataFromTarget", bytes },
    next: { ...openOwn, ended: "frontend" },
    effects: [send({ type: "data", connectionId: 2n, bytes })],
  },
  "is over when the target ends as the second": {
    state: { ...openOwn, ended: "frontend" },
    event: { kind: "targetEnded" },
    next: closed,
    effects: [confirm(), released, endSocket],
  },
  "writes out what it has when the frontend ends as the second": {
    state: { ...openOwn, ended: "target" },
    event: { kind: "frontendEnded" },
    next: flushing,
    effects: [endSocket],
  },
  "waits for the last data when the request to close came ahead of it": {
    state: openOwn,
    event: { kind: "closeRequested" },
    next: { ...openOwn, isCloseAsked: true },
    effects: [],
  },
  "writes out what it has when that has come": {
    state: { ...openOwn, isCloseAsked: true },
    event: { kind: "frontendEnded" },
    next: flushing,
    effects: [endSocket],
  },
  "closes at once when all data has come before the request": {
    state: { ...openOwn, ended: "frontend" },
    event: { kind: "closeRequested" },
    next: flushing,
    effects: [endSocket],
  },
  "does not let a reset look like an end": {
    state: openOwn,
    event: { kind: "targetGone" },
    next: closed,
    effects: [confirm(texts.targetReset), released, destroySocket],
  },
  "answers the dial with the error and no id": {
    state: dialling,
    event: { kind: "refused", error: "no" },
    next: closed,
    effects: [
      send({ type: "dialResponse", dialId: 9n, connectionId: 0n, error: "no" }),
      released,
      destroySocket,
    ],
  },
  "stops a dial that nobody waits for": {
    state: dialling,
    event: { kind: "dialCancelled" },
    next: closed,
    effects: [released, destroySocket],
  },
  "closes a connection whose dial was cancelled while its answer was on the way": {
    state: open,
    event: { kind: "dialCancelled" },
    next: closed,
    effects: [released, destroySocket],
  },
  "writes data to the target": {
    state: open,
    event: { kind: "dataFromServer", bytes },
    next: open,
    effects: [{ kind: "write", bytes }],
  },
  "ignores empty data": {
    state: open,
    event: { kind: "dataFromServer", bytes: Buffer.alloc(0) },
    next: open,
    effects: [],
  },
  "sends the target's data": {
    state: open,
    event: { kind: "dataFromTarget", bytes },
    next: open,
    effects: [send({ type: "data", connectionId: 2n, bytes })],
  },
  "writes out what it has before it confirms a close": {
    state: open,
    event: { kind: "closeRequested" },
    next: flushing,
    effects: [endSocket],
  },
  "still sends the target's data while it writes out": {
    state: flushing,
    event: { kind: "dataFromTarget", bytes },
    next: flushing,
    effects: [send({ type: "data", connectionId: 2n, bytes })],
  },
  "confirms the close once all is written": {
    state: flushing,
    event: { kind: "flushed" },
    next: closed,
    effects: [confirm(), released, endSocket],
  },
  "confirms the close when the target ends first": {
    state: flushing,
    event: { kind: "targetEnded" },
    next: closed,
    effects: [confirm(), released, endSocket],
  },
  "tells that the target has ended": {
    state: open,
    event: { kind: "targetEnded" },
    next: closed,
    effects: [confirm(), released, endSocket],
  },
  "cuts a target that takes nothing, and says why": {
    state: open,
    event: { kind: "readerStalled" },
    next: closed,
    effects: [confirm(texts.readerStalled), released, destroySocket],
  },
  "drops everything when the server is gone": {
    state: open,
    event: { kind: "serverGone" },
    next: closed,
    effects: [released, destroySocket],
  },
  "has nothing to add once closed": {
    state: closed,
    event: { kind: "targetEnded" },
    next: closed,
    effects: [],
  },
};

describe("stepTarget()", () => {
  for (const [name, { state, event, next, effects }] of Object.entries(cases)) {
    it(name, () => assert.deepEqual(stepTarget(state, event), [next, effects]));
  }
});
