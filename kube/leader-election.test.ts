import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KubeObject, Lease } from "#api";
import { type Runnable, silentLogger } from "#runtime";
import { ScriptedClient } from "#testing";
import { ApiError } from "./api-error.ts";
import type { KubeClient } from "./client.ts";
import {
  createLeaderElection,
  type ElectionOptions,
  type ElectionStep,
  electionStep,
} from "./leader-election.ts";

function makeLease(holder: string, spec: Partial<NonNullable<Lease["spec"]>> = {}): Lease {
  return {
    metadata: { name: "l", namespace: "ns", resourceVersion: "1" },
    spec: { holderIdentity: holder, leaseTransitions: 3, renewTime: "t", ...spec },
  };
}

describe("electionStep()", () => {
  interface Case {
    readonly lease: Lease | undefined;
    readonly silentMs: number;
    readonly want: ElectionStep;
  }
  const cases: Readonly<Record<string, Case>> = {
    "creates a Lease that is missing": { lease: undefined, silentMs: 0, want: { kind: "create" } },
    "renews its own": { lease: makeLease("me"), silentMs: 99_000, want: { kind: "renew" } },
    "waits while another renews": {
      lease: makeLease("you"),
      silentMs: 14_999,
      want: { kind: "wait" },
    },
    "takes over from one that is silent": {
      lease: makeLease("you"),
      silentMs: 15_000,
      want: { kind: "take", transitions: 4 },
    },
    "takes at once what was given up": {
      lease: makeLease(""),
      silentMs: 0,
      want: { kind: "take", transitions: 4 },
    },
    "believes a holder that promised more": {
      lease: makeLease("you", { leaseDurationSeconds: 60 }),
      silentMs: 59_999,
      want: { kind: "wait" },
    },
  };
  for (const [name, { lease, silentMs, want }] of Object.entries(cases)) {
    it(name, () => {
      const seen = { renewTime: "t", holder: "you", sinceMs: 1_000 };
      assert.deepEqual(electionStep(lease, "me", seen, 15_000, 1_000 + silentMs), want);
    });
  }
});

/** A Lease on a server that a test can disturb, and a clock that only waiting moves. */
class LeaseServer {
  lease: Lease | undefined;
  /** As clocks are: never a whole number of milliseconds. */
  nowMs = 0.25;
  /** Errors for the next requests. */
  readonly faults: Error[] = [];
  /** Called before each wait. */
  onSleep: () => void = () => undefined;
  #version = 1;

  get client(): KubeClient {
    const write = async (object: KubeObject) => {
      this.#fail();
      this.#version += 1;
      const metadata = { ...object.metadata, resourceVersion: String(this.#version) };
      this.lease = { ...object, metadata };
      return this.lease as never;
    };
    return {
      ...new ScriptedClient().client,
      get: async () => {
        this.#fail();
        if (this.lease === undefined) throw new ApiError("not_found", "none");
        return this.lease as never;
      },
      create: async (_type, object) => write(object),
      replace: async (_type, object) => {
        if (object.metadata.resourceVersion !== this.lease?.metadata.resourceVersion) {
          throw new ApiError("conflict", "changed");
        }
        return write(object);
      },
    };
  }

  readonly options: ElectionOptions = {
    lease: { name: "l", namespace: "ns" },
    identity: "me",
    log: silentLogger,
    nowMs: () => this.nowMs,
    sleep: async (ms, signal) => {
      // The process's own clock counts fractions as well.
      this.nowMs += ms + 0.125;
      await new Promise(setImmediate);
      this.onSleep();
      signal.throwIfAborted();
    },
  };

  #fail(): void {
    const fault = this.faults.shift();
    if (fault !== undefined) throw fault;
  }
}

interface Watched extends Runnable {
  readonly log: string[];
}

function makeWork(onStart: () => void = () => undefined): Watched {
  const log: string[] = [];
  return {
    name: "work",
    log,
    async run(signal) {
      log.push("started");
      const stopped = new Promise((resolve) => signal.addEventListener("abort", resolve));
      onStart();
      await stopped;
      log.push("stopped");
    },
  };
}

describe("createLeaderElection()", () => {
  it("leads while it holds the Lease, and gives it up when asked to stop", async () => {
    const server = new LeaseServer();
    const stop = new AbortController();
    const work = makeWork(() => assert.equal(server.lease?.spec?.holderIdentity, "me"));
    let sleeps = 0;
    server.onSleep = () => {
      sleeps += 1;
      if (sleeps === 5) stop.abort();
    };
    await createLeaderElection(server.client, server.options, [work]).run(stop.signal);
    assert.deepEqual(work.log, ["started", "stopped"]);
    assert.equal(server.lease?.spec?.holderIdentity, "");
  });

  it("waits for a holder that renews, and takes over from one that does not", async () => {
    const server = new LeaseServer();
    server.lease = makeLease("you");
    const stop = new AbortController();
    let startedAtMs = 0;
    const work = makeWork(() => {
      startedAtMs = server.nowMs;
      stop.abort();
    });
    let renewals = 0;
    server.onSleep = () => {
      renewals += 1;
      if (renewals <= 5) server.lease = makeLease("you", { renewTime: `t${renewals}` });
    };
    await createLeaderElection(server.client, server.options, [work]).run(stop.signal);
    const silentMs = startedAtMs - 10_000;
    assert.ok(silentMs >= 15_000 && silentMs < 20_000, `took over after ${silentMs} ms`);
    assert.equal(server.lease.spec?.leaseTransitions, 4);
  });

  it("goes on leading through a short failure and a clash of writers", async () => {
    const server = new LeaseServer();
    const stop = new AbortController();
    const work = makeWork();
    let sleeps = 0;
    server.onSleep = () => {
      sleeps += 1;
      if (sleeps === 2) server.faults.push(new ApiError("unreachable", "down"));
      if (sleeps === 3) server.faults.push(new DOMException("late", "TimeoutError"));
      if (sleeps === 4) server.faults.push(new ApiError("conflict", "changed"));
      if (sleeps === 8) stop.abort();
    };
    await createLeaderElection(server.client, server.options, [work]).run(stop.signal);
    assert.deepEqual(work.log, ["started", "stopped"]);
    assert.equal(sleeps, 8);
  });

  it("stops leading and fails when it cannot renew in time", async () => {
    const server = new LeaseServer();
    const work = makeWork(() => {
      server.faults.push(...Array.from({ length: 20 }, () => new ApiError("timeout", "slow")));
    });
    const running = createLeaderElection(server.client, server.options, [work]).run(
      new AbortController().signal,
    );
    await assert.rejects(running, (error: Error) => /in time/.test(String(error.cause)));
    assert.deepEqual(work.log, ["started", "stopped"]);
    assert.ok(server.nowMs <= 12_000);
  });

  it("stops leading and fails when another has taken the Lease", async () => {
    const server = new LeaseServer();
    const work = makeWork(() => void (server.lease = makeLease("you")));
    const running = createLeaderElection(server.client, server.options, [work]).run(
      new AbortController().signal,
    );
    await assert.rejects(running, (error: Error) => /Another process/.test(String(error.cause)));
    assert.deepEqual(work.log, ["started", "stopped"]);
    assert.equal(server.lease?.spec?.holderIdentity, "you");
  });
});
