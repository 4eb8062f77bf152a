/** A thousand agents of one server, which all lose it and come back at once. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ChildProgram, findFreePorts, isTorture, waitFor } from "#bed";
import { areAsManyHandles, holdsAsMuch, openHandles, processState } from "./process-state.ts";
import { TunnelStack } from "./stack.ts";

const processes = 2;
const agentsEach = isTorture ? 500 : 50;
const agents = processes * agentsEach;
const restarts = isTorture ? 5 : 1;
const backends = "konnectivity_network_proxy_server_ready_backends";

describe(`${agents} agents of one server`, { timeout: 600_000 }, () => {
  let stack: TunnelStack;
  let inspectPorts: readonly number[];
  const crowds: ChildProgram[] = [];
  before(async () => {
    stack = await TunnelStack.start();
    inspectPorts = await findFreePorts(processes);
    for (const [index, port] of inspectPorts.entries()) crowds.push(await startCrowd(index, port));
    await allBack();
  });
  after(async () => {
    for (const crowd of crowds) await crowd.stop("SIGKILL");
    await stack[Symbol.asyncDispose]();
  });

  async function startCrowd(index: number, inspectPort: number): Promise<ChildProgram> {
    const pair = await stack.processes.agents.client("crowd");
    const { processes } = stack;
    return ChildProgram.start([
      `--inspect=127.0.0.1:${inspectPort}`,
      join(import.meta.dirname, "agents.ts"),
      `--count=${agentsEach}`,
      `--first=${index * agentsEach}`,
      `--port=${stack.server.ports.agents}`,
      `--ca=${await processes.file("ca.crt", processes.agents.caPem)}`,
      `--cert=${await processes.file("tls.crt", pair.cert)}`,
      `--key=${await processes.file("tls.key", pair.key)}`,
    ]);
  }

  /** Waits until the server has all of them, and the one that serves. */
  async function allBack(): Promise<void> {
    const isAll = async () => {
      for (const crowd of crowds) crowd.throwIfEnded();
      const seen = await stack.server.metric(backends);
      assert.ok(seen <= agents + 1, `There are ${seen} backends`);
      return seen === agents + 1;
    };
    await waitFor("all agents to be connected", isAll, { everyMs: 200 });
  }

  /** What the crowd holds now. */
  async function crowdState() {
    const states = crowds.map(({ pid }, index) =>
      processState({ pid, inspectPort: inspectPorts[index] ?? 0 }),
    );
    return Promise.all(states);
  }

  /** The server is killed and started again; how long until it serves, and until all are back. */
  async function restart() {
    const { server, frontend, target } = stack;
    await server.restart();
    const since = performance.now();
    await stack.serves();
    const servesAfterMs = performance.now() - since;
    const others = frontend.call("roundTrips", { port: target.port, forMs: 500, least: 50 });
    await allBack();
    const allAfterMs = performance.now() - since;
    const { longestMs } = await others;
    if (isTorture) assert.ok(longestMs < 5000, `Another one waited for ${longestMs} ms`);
    return { servesAfterMs, allAfterMs, longestMs };
  }

  it("come back to a server that was killed, which serves others meanwhile", async (t) => {
    const handles = await openHandles(stack.server.pid);
    // What Node compiles and keeps for a server that was lost once shows the first time.
    t.diagnostic(JSON.stringify(await restart()));
    const was = await crowdState();
    for (let count = 0; count < restarts; count += 1) {
      t.diagnostic(JSON.stringify(await restart()));
    }
    const isSettled = async () => {
      if (!areAsManyHandles(handles, await openHandles(stack.server.pid))) return false;
      const now = await crowdState();
      return now.every((state, index) => holdsAsMuch(was[index] ?? state, state));
    };
    await waitFor("all to hold what they held before", isSettled, { everyMs: 1000 });
  });
});
