/** Processes that are killed or stopped, links that are cut, long or lossy, and clocks that are set. */
import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { isTorture, waitFor } from "#bed";
import { startTcpRelay, type TcpRelay } from "#testing";
import { isInOwnNetwork, LossyLoopback, runInOwnNetwork } from "./own-network.ts";
import { areAsManyHandles } from "./process-state.ts";
import { type ByPart, parts, TunnelStack } from "./stack.ts";

/** Keepalives are the default ones when there is time for them. */
const keepalive = isTorture
  ? {}
  : {
      serverFlags: ["--keepalive-time=3s", "--frontend-keepalive-time=3s"],
      agentFlags: ["--keepalive-time=3s"],
      frontendKeepaliveMs: 3000,
    };
/** With shorter keepalives gRPC alone would need 23 s. */
const noticedWithinMs = isTorture ? 45_000 : 20_000;
const stoppedMs = isTorture ? 60_000 : 2000;
const lossyMs = isTorture ? 60_000 : 3000;
/** Each way. */
const longWayMs = 25;

const clock = new URL("movable-clock.ts", import.meta.url).href;
const dayMs = 86_400_000;
const backends = "konnectivity_network_proxy_server_ready_backends";
const servers = "konnectivity_network_proxy_agent_open_server_connections";

function inOwnNetwork(): void {
  let loopback: LossyLoopback;
  let relay: TcpRelay;
  let stack: TunnelStack;
  let was: ByPart<number>;
  before(async () => {
    loopback = await LossyLoopback.open();
    stack = await TunnelStack.start({
      ...keepalive,
      nodeFlags: [`--import=${clock}`],
      agentPort: async ({ ports }) => {
        relay = await startTcpRelay(ports.agents);
        return relay.port;
      },
    });
    was = await stack.handles();
  });
  after(async () => {
    await stack[Symbol.asyncDispose]();
    await relay[Symbol.asyncDispose]();
  });
  afterEach(async () => {
    await loopback.heal();
    await stack.frontend.call("release");
    await stack.serves();
    await isAsBefore();
  });

  /** Waits until nothing is open and no process has more handles than before. */
  async function isAsBefore(): Promise<void> {
    let now = was;
    const settled = async () => {
      if ((await stack.openConnections()) > 0) return false;
      now = await stack.handles();
      return parts.every((part) => areAsManyHandles(was[part], now[part]));
    };
    await waitFor("nothing to be open", settled, { limitMs: 60_000 }).catch((cause: unknown) => {
      throw new Error(`Before: ${JSON.stringify(was)}; now: ${JSON.stringify(now)}`, { cause });
    });
  }

  async function follow(): Promise<void> {
    await stack.frontend.call("follow", { port: stack.target.port });
    await progress(0);
  }

  /** Waits until the connection that is followed has brought more than that; returns how much. */
  async function progress(bytes: number): Promise<number> {
    return waitFor("bytes to come", async () => {
      const [one] = await stack.frontend.call("held");
      assert.equal(one?.end, undefined);
      return one !== undefined && one.bytes > bytes && one.bytes;
    });
  }

  async function isLost(): Promise<boolean> {
    const held = await stack.frontend.call("held");
    return held.every(({ end }) => end !== undefined && end !== "closed");
  }

  it("that is cut without a word is noticed at all ends, and nothing of it stays", async (t) => {
    await follow();
    const { server, agent } = stack;
    const start = performance.now();
    await loopback.cut(relay.port, server.ports.agents, server.ports.frontends);
    const noticed = async () => {
      const connected = (await server.metric(backends)) + (await agent.metric(servers));
      return connected + (await stack.openConnections()) === 0 && (await isLost());
    };
    await waitFor("all ends to notice", noticed, { limitMs: noticedWithinMs });
    t.diagnostic(`noticed after ${Math.round(performance.now() - start)} ms`);
    await isAsBefore();
  });

  it("is joined again when the server was killed", async () => {
    await follow();
    await stack.server.restart();
    await waitFor("the connection to be lost", isLost);
  });

  it("is joined again when the agent was killed", async () => {
    await follow();
    stack.agent.signal("SIGKILL");
    await waitFor("its server to notice", async () => (await stack.server.metric(backends)) === 0);
    await waitFor("the connection to be lost", isLost);
    await stack.agent.restart();
  });

  for (const part of ["server", "agent"] as const) {
    it(`goes on when the ${part} was stopped for a while`, async () => {
      await follow();
      stack[part].signal("SIGSTOP");
      await new Promise((resolve) => setTimeout(resolve, stoppedMs));
      stack[part].signal("SIGCONT");
      if (!isTorture) await progress(await progress(0));
    });
  }

  it("goes on when all clocks jump ahead and back", async () => {
    await follow();
    for (const [jump, days] of Object.entries({ "a day ahead": 1, "two days back": -1 })) {
      stack.server.signal("SIGUSR2");
      stack.agent.signal("SIGUSR2");
      process.kill(stack.frontend.pid, "SIGUSR2");
      await waitFor(`all clocks to jump ${jump}`, async () => {
        const clocks = Object.values(await stack.clocks());
        return clocks.every((now) => Math.round((now - Date.now()) / dayMs) === days);
      });
      await stack.serves();
      await progress(await progress(0));
    }
    // What was there before is still what is used.
    const joined = stack.agent.output.split("Connected to tunnel server").length;
    await stack.serves();
    assert.equal(stack.agent.output.split("Connected to tunnel server").length, joined);
  });

  it("carries all there is over a long way on which packets are lost", async (t) => {
    relay.lengthen(longWayMs);
    await stack.agent.restart();
    await stack.serves();
    await loopback.lose(relay.port, stack.server.ports.agents, stack.server.ports.frontends);
    await follow();
    const { port } = stack.target;
    const load = await stack.frontend.call("load", { port, forMs: lossyMs });
    t.diagnostic(JSON.stringify(load));
    assert.deepEqual(load.failures, []);
    await progress(await progress(0));
  });
}

if (isInOwnNetwork) {
  describe("a link", { timeout: 900_000 }, inOwnNetwork);
} else {
  it("links, in a network of their own", { timeout: 900_000 }, async (t) => {
    for (const line of (await runInOwnNetwork(import.meta.filename, t.signal)).split("\n")) {
      t.diagnostic(line);
    }
  });
}
