import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { Duplex, duplexPair } from "node:stream";
import { describe, it } from "node:test";
import type { Pod } from "#api";
import { runAll, silentLogger } from "#runtime";
import { createPortForwardProxy } from "./port-forward-proxy.ts";

function makePod(name: string): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] },
  };
}

async function startProxy(pods: readonly string[], open: (pod: string) => Promise<Duplex>) {
  const stop = new AbortController();
  const proxy = createPortForwardProxy(
    { pods: { list: () => pods.map(makePod) }, connected: () => [], open, log: silentLogger },
    { host: "127.0.0.1", port: 0 },
  );
  const running = runAll([proxy], stop.signal);
  while (proxy.port === 0) await new Promise((resolve) => setImmediate(resolve));
  return {
    port: proxy.port,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

describe("createPortForwardProxy()", () => {
  it("carries bytes both ways and ends with the remote side", async () => {
    const [near, far] = duplexPair();
    await using proxy = await startProxy(["a"], () => Promise.resolve(near));
    const socket = connect(proxy.port, "127.0.0.1");
    socket.write("ping");
    const [heard] = (await once(far, "data")) as [Buffer];
    assert.equal(heard.toString(), "ping");
    far.end("pong");
    const [answer] = (await once(socket, "data")) as [Buffer];
    assert.equal(answer.toString(), "pong");
    socket.end();
    await once(socket, "close");
  });

  it("goes through the pods in turn, and past one that fails", async () => {
    const tried: string[] = [];
    const open = (pod: string): Promise<Duplex> => {
      tried.push(pod);
      if (pod === "b") return Promise.reject(new Error("gone"));
      return Promise.resolve(duplexPair()[0]);
    };
    await using proxy = await startProxy(["a", "b", "c"], open);
    for (const count of [1, 3]) {
      connect(proxy.port, "127.0.0.1").on("error", () => undefined);
      while (tried.length < count) await new Promise((resolve) => setImmediate(resolve));
    }
    assert.deepEqual(tried, ["a", "b", "c"]);
  });

  it("closes the connection when no pod can be reached", async () => {
    await using proxy = await startProxy([], () => Promise.reject(new Error("unused")));
    const socket = connect(proxy.port, "127.0.0.1");
    socket.on("error", () => undefined);
    await once(socket, "close");
  });
});
