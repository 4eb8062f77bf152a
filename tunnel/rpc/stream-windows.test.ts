import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  chooseWindow,
  type LinkUse,
  ReadSpeed,
  StreamWindows,
  type WindowedSession,
} from "./stream-windows.ts";

const mebibyte = 1024 * 1024;

interface Case extends Partial<LinkUse> {
  readonly current?: number;
  readonly want: number;
}

const near = { roundTripMs: 0.3 };
const far = { roundTripMs: 50 };
const cases: Readonly<Record<string, Case>> = {
  "is 1 MiB on a link that is near": { ...near, want: mebibyte },
  "is no more there for the fastest reader": {
    ...near,
    bytesPerMs: 600_000,
    want: mebibyte,
  },
  "is what a link with a long round trip needs": { ...far, want: 16 * mebibyte },
  "is 32 MiB at most before more was earned": { roundTripMs: 500, want: 32 * mebibyte },
  "doubles where readers take all that the window allows": {
    ...far,
    bytesPerMs: (16 * mebibyte) / (2 * far.roundTripMs),
    current: 16 * mebibyte,
    want: 32 * mebibyte,
  },
  "is what it was where readers take half of that": {
    ...far,
    bytesPerMs: (16 * mebibyte) / (4 * far.roundTripMs),
    current: 16 * mebibyte,
    want: 16 * mebibyte,
  },
  "is 64 MiB at most": { ...far, bytesPerMs: 2_000_000, want: 64 * mebibyte },
  "becomes a share of the budget when streams are many": {
    ...far,
    streams: 50,
    want: mebibyte,
  },
  "never becomes less than 128 KiB": { ...far, streams: 5000, want: 128 * 1024 },
  "stays while few streams end": {
    ...near,
    streams: 120,
    current: mebibyte / 4,
    want: mebibyte / 4,
  },
  "grows when half of the streams have ended": {
    ...near,
    streams: 60,
    current: mebibyte / 4,
    want: mebibyte / 2,
  },
};

describe("chooseWindow()", () => {
  for (const [name, { current = 4 * mebibyte, want, ...known }] of Object.entries(cases)) {
    const use = { streams: 1, roundTripMs: 0, bytesPerMs: 0, ...known };
    it(name, () => assert.equal(chooseWindow(use, current), want));
  }
});

describe("ReadSpeed", () => {
  const link = { windowBytes: 400_000, roundTripMs: 50 };
  const started = () => {
    const clock = { ms: 0 };
    return { clock, speed: new ReadSpeed(() => clock.ms) };
  };

  it("looks only when much has come, and over two round trips", () => {
    const { clock, speed } = started();
    clock.ms = 200;
    assert.equal(speed.taken(99_999, link), false);
    clock.ms = 99;
    assert.equal(speed.taken(1, link), false);
    clock.ms = 100;
    assert.equal(speed.taken(100_000, link), true);
    assert.equal(speed.bytesPerMs, 2000);
  });

  it("remembers the fastest for a while", () => {
    const { clock, speed } = started();
    clock.ms = 100;
    speed.taken(800_000, link);
    clock.ms += 30_000;
    speed.taken(100_000, link);
    assert.equal(speed.bytesPerMs, 4000);
  });
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
