import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { type WatchedSession, watchSession } from "./session-watch.ts";

/** A peer that answers pings, as long as it lives, with a frame of 17 bytes. */
function makePeer() {
  const peer = {
    isAlive: true,
    pings: 0,
    destroyed: false,
    socket: { bytesRead: 0 },
    on: () => undefined,
    ping(callback: (error: Error | null, durationMs: number, payload: Buffer) => void) {
      peer.pings += 1;
      if (!peer.isAlive) return true;
      peer.socket.bytesRead += 17;
      callback(null, 5, Buffer.alloc(8));
      return true;
    },
    destroy(error?: Error | number) {
      assert.ok(error instanceof Error);
      peer.destroyed = true;
    },
  };
  return peer;
}

function watch(peer: ReturnType<typeof makePeer>, keepaliveTimeMs = 3_600_000) {
  const roundTrips: number[] = [];
  const stop = watchSession(peer as unknown as WatchedSession, {
    keepaliveTimeMs,
    onRoundTrip: (ms) => roundTrips.push(ms),
  });
  return { roundTrips, stop };
}

describe("watchSession()", () => {
  beforeEach(() => mock.timers.enable({ apis: ["setInterval"] }));
  afterEach(() => mock.timers.reset());

  it("reports round trips and leaves a peer alone that answers", () => {
    const peer = makePeer();
    const { roundTrips } = watch(peer);
    mock.timers.tick(60_000);
    assert.deepEqual([roundTrips, peer.destroyed], [[5, 5, 5, 5, 5, 5, 5], false]);
  });

  it("ends a session 20 to 30 seconds after the peer's last sign of life", () => {
    const peer = makePeer();
    watch(peer);
    mock.timers.tick(19_999);
    peer.isAlive = false;
    mock.timers.tick(19_999);
    assert.equal(peer.destroyed, false);
    mock.timers.tick(10_001);
    assert.equal(peer.destroyed, true);
  });

  it("takes any byte for a sign of life, as a ping may wait behind much data", () => {
    const peer = makePeer();
    peer.isAlive = false;
    watch(peer);
    for (let second = 0; second < 120; second += 1) {
      mock.timers.tick(1000);
      peer.socket.bytesRead += 1;
    }
    assert.equal(peer.destroyed, false);
  });

  it("looks more often where keepalives are more frequent", () => {
    const peer = makePeer();
    peer.isAlive = false;
    watch(peer, 1000);
    mock.timers.tick(2000);
    assert.equal(peer.destroyed, true);
  });

  it("looks no more once it is stopped or the session is gone", () => {
    const [stopped, gone] = [makePeer(), makePeer()];
    watch(stopped).stop();
    watch(gone);
    gone.destroyed = true;
    mock.timers.tick(60_000);
    assert.deepEqual([stopped.pings, gone.pings], [1, 1]);
  });
});
