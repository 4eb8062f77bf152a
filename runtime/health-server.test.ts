import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createHealthServer, type HealthServerOptions } from "./health-server.ts";
import { createMetrics } from "./metrics.ts";
import { runAll } from "./run-all.ts";

async function ask(path: string, options: Partial<HealthServerOptions>) {
  const stop = new AbortController();
  const listening = Promise.withResolvers<number>();
  const server = createHealthServer({
    host: "127.0.0.1",
    port: 0,
    onListening: listening.resolve,
    ...options,
  });
  const running = runAll([server], stop.signal);
  const port = await listening.promise;
  try {
    const url = `http://127.0.0.1:${port}${path}`;
    const answer = await fetch(url, { redirect: "manual" });
    const location = answer.headers.get("location");
    return { status: answer.status, body: await answer.text(), location };
  } finally {
    stop.abort();
    await running;
  }
}

const ready = { agents: () => "nobody is here", disk: () => undefined };

describe("createHealthServer()", () => {
  const cases: Readonly<
    Record<string, readonly [string, Partial<HealthServerOptions>, number, string]>
  > = {
    "says ok": ["/healthz", {}, 200, "ok"],
    "says why it is not ready": ["/readyz", { ready }, 500, "agents: nobody is here\n"],
    "says so under the old name": ["/ready", { ready }, 500, "agents: nobody is here\n"],
    "says the reason alone": ["/readyz", { ready, style: "reasons" }, 500, "nobody is here\n"],
    "lists its checks": [
      "/readyz",
      { ready, style: "checks" },
      503,
      "[+]ping ok\n[-]agents failed: nobody is here\n[+]disk ok\ncheck failed\n",
    ],
    "lists its checks when asked for": [
      "/readyz?verbose",
      { ready: { disk: () => undefined } },
      200,
      "[+]ping ok\n[+]disk ok\ncheck passed\n",
    ],
    "knows no other path": ["/other", {}, 404, ""],
  };
  for (const [name, [path, options, status, body]] of Object.entries(cases)) {
    it(name, async () => {
      const got = await ask(path, options);
      assert.deepEqual([got.status, got.body], [status, body]);
    });
  }

  it("leads to the port that has the metrics", async () => {
    const got = await ask("/metrics", { metrics: { redirectToPort: 8093 } });
    assert.deepEqual([got.status, got.location], [301, "http://127.0.0.1:8093/metrics"]);
  });

  it("shows counters that are kept elsewhere as they are at each look", async () => {
    const metrics = createMetrics();
    let value = 1;
    metrics.counter({
      name: "kept_total",
      help: "Kept",
      labels: ["a"],
      collect: () => [[{ a: "b" }, value]],
    });
    assert.match(await metrics.text(), /kept_total\{a="b"\} 1/);
    value = 5;
    assert.match((await ask("/metrics", { metrics })).body, /kept_total\{a="b"\} 5/);
  });
});
