import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { chooseWindow, StreamWindows, type WindowedSession } from "./stream-windows.ts";

const mebibyte = 1024 * 1024;

interface Case {
  readonly streams: number;
  readonly roundTripMs: number;
  readonly current?: number;
  readonly want: number;
}

const cases: Readonly<Record<string, Case>> = {
  "is 1 MiB on a link that is near": { streams: 1, roundTripMs: 0.3, want: mebibyte },
  "is what a link with a long round trip needs": {
    streams: 1,
    roundTripMs: 50,
    want: 16 * mebibyte,
  },
  "is 32 MiB at most": { streams: 1, roundTripMs: 500, want: 32 * mebibyte },
  "becomes a share of the budget when streams are many": {
    streams: 50,
    roundTripMs: 50,
    want: mebibyte,
  },
  "never becomes less than 128 KiB": { streams: 5000, roundTripMs: 50, want: 128 * 1024 },
  "stays while few streams end": {
    streams: 120,
    roundTripMs: 0.3,
    current: mebibyte / 4,
    want: mebibyte / 4,
  },
  "grows when half of the streams have ended": {
    streams: 60,
    roundTripMs: 0.3,
    current: mebibyte / 4,
    want: mebibyte / 2,
  },
};

describe("chooseWindow()", () => {
  for (const [name, { streams, roundTripMs, current = 4 * mebibyte, want }] of Object.entries(
    cases,
  )) {
    it(name, () => assert.equal(chooseWindow(streams, roundTripMs, current), want));
  }
});

describe("StreamWindows", () => {
  it("tells the peer one change at a time, and the newest one last", () => {
    const told: number[] = [];
    const confirmations: (() => void)[] = [];
    const session = {
      closed: false,
      destroyed: false,
      on: () => undefined,
      ping: (answered: (error: Error | null, durationMs: number) => void) => {
        answered(null, 50);
        return true;
      },
      settings: ({ initialWindowSize }: { initialWindowSize: number }, done: () => void) => {
        told.push(initialWindowSize);
        confirmations.push(done);
      },
    } as unknown as WindowedSession;
    const windows = new StreamWindows(session);
    for (let count = 0; count < 50; count += 1) windows.opened();
    assert.deepEqual(told, [16 * mebibyte]);
    confirmations[0]?.();
    assert.deepEqual(told, [16 * mebibyte, mebibyte]);
  });
});
